"""Small socket servers for the tests of links: each plays a script, in a thread of its own, on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from labkit.transport.address import TcpSocket

Script = Callable[[socket.socket, "Server"], None]


class Server:
    """Listens; runs its script for every connection. Messages received (without LF) are in ``seen``."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.seen: list[str] = []
        self.release = threading.Event()
        """Set by the test: scripts wait for it instead of sleeping."""
        self.reached = threading.Event()
        """Set by the script: it has got to where the test wants to act."""
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = TcpSocket(*self._listener.getsockname()[:2])
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def resource(self) -> str:
        """The VISA resource of the server."""
        return f"TCPIP::{self.address.host}::{self.address.port}::SOCKET"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._script(connection, self)
            except OSError:
                return

    def lines(self, connection: socket.socket) -> Iterator[str]:
        """Yield each message as it arrives."""
        with connection.makefile("rb") as stream:
            for line in stream:
                message = line.decode("latin-1").removesuffix("\n")
                self.seen.append(message)
                yield message

    def stop_listening(self) -> None:
        """Refuse new connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def close(self) -> None:
        """End everything."""
        self.release.set()
        if self._listener.fileno() >= 0:
            self.stop_listening()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


@contextmanager
def serving(script: Script) -> Iterator[Server]:
    """Serve a script while the block lasts."""
    server = Server(script)
    try:
        yield server
    finally:
        server.close()


def echo(connection: socket.socket, server: Server) -> None:
    """Answer every question X? with X; say nothing to the rest."""
    for message in server.lines(connection):
        if message.endswith("?"):
            connection.sendall(message[:-1].encode("latin-1") + b"\n")


def answering(answer: bytes) -> Script:
    """Return a script that answers every question with the same bytes."""

    def script(connection: socket.socket, server: Server) -> None:
        for message in server.lines(connection):
            if message.endswith("?"):
                connection.sendall(answer)

    return script
