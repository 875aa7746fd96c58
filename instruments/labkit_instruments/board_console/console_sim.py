"""Twin of a board's serial console: a small shell on the chip, and a standby monitor while the chip has no power.

The standby monitor is a microcontroller on the cable's own 5 V: it answers with the same prompt, so a terminal never
stays dumb on a bench where all is well. A chip that boots, hangs or has tripped ignores what is typed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from labkit.sim.twin import TwinEnvironment
from labkit.sim.world import Board, Outcome, State

_REPLY_S = 0.002
_NEED_CORE = ("bist", "pll", "sensors", "uptime")
_RESULTS = {Outcome.PASS: "PASS", Outcome.FAIL: "FAIL", Outcome.CORRECTED: "CORRECTED"}
_DEAF = (State.BOOTING, State.HUNG, State.TRIPPED)
_MOST_LOOPS = 10**9
_LONGEST_LINE = 500


class ConsoleTwin:
    """The shell. ``env.ports[1]`` is the board.

    Options: ``prompt`` ("# "), ``echo`` (False), ``login`` (the login text), ``banner`` (a list of boot lines).
    """

    def __init__(self, env: TwinEnvironment) -> None:
        board = env.ports[1]
        if not isinstance(board, Board):
            raise TypeError(f"the console {env.name} needs a simulated board, not {type(board).__name__}")
        self._board = board
        self._clock = env.clock
        self._prompt = str(env.options.get("prompt", "# "))
        self._echo = bool(env.options.get("echo", False))
        board.login = str(env.options.get("login", board.login))
        board.banner = tuple(str(line) for line in env.options.get("banner", board.banner))
        self._session = 0  # the boot that somebody has logged in to
        self._line = ""
        self._after_return = False
        self._waiting: list[str] = []  # lines typed while a test runs
        self._commands: dict[str, Callable[[list[str]], str | None]] = {
            "bist": self._bist, "help": self._help, "id": self._id, "pll": self._pll, "sensors": self._sensors,
            "uptime": self._uptime, "version": self._version}

    def feed(self, text: str) -> None:
        """Take characters. Lines end with CR, LF or CR LF; backspace edits, Ctrl-C ends a test."""
        self._catch_up()
        if self._board.state in _DEAF:
            self._line, self._after_return = "", False
            return
        if text[-1:] == "\n" and not self._echo and text[:-1].isprintable():  # a whole line, as programs send it
            line, self._line = self._line + text[:-1], ""
            if line or not self._after_return:
                self._enter(line)
            self._after_return = False
            return
        for char in text:
            ended = char == "\r" or (char == "\n" and not self._after_return)
            self._after_return = char == "\r"
            if ended:
                line, self._line = self._line, ""
                if self._echo:
                    self._say("\r\n", at_once=True)
                self._enter(line)
            elif char in "\b\x7f":
                self._line = self._line[:-1]
            elif char == "\x03":
                self._interrupt()
            elif char != "\n" and len(self._line) < _LONGEST_LINE:
                self._line += char
                if self._echo:
                    self._say(char, at_once=True)

    def due(self) -> float | None:
        """Return when the board next prints, or next does something after which it may print."""
        self._catch_up()
        when = min(self._board.output.due, self._board.event_at)
        return when if when < float("inf") else None

    def take(self) -> str:
        """Return what was printed by now."""
        return self._board.output.take(self._catch_up())

    def _catch_up(self) -> float:
        """Let the world go on until now, then perform lines that were typed while a test ran; return the time."""
        now = self._board.timeline.sync()
        if self._waiting:
            if self._board.state in _DEAF:
                self._waiting.clear()
            while self._waiting and not self._board.testing:
                self._enter(self._waiting.pop(0))
        return now

    def _say(self, text: str, *, at_once: bool = False) -> None:
        self._board.output.say(self._clock.now() + (0.0 if at_once else _REPLY_S), text)

    def _interrupt(self) -> None:
        self._line = ""
        self._waiting.clear()
        if self._board.testing:
            self._board.abort_test()
        self._say(f"^C\r\n{self._prompt}")

    def _enter(self, line: str) -> None:
        """Perform one line."""
        board = self._board
        if board.testing:
            self._waiting.append(line)
            return
        state = board.state
        if state is State.UP and self._session != board.boots:
            self._log_in(line.strip())
            return
        words = line.split()
        if not words:
            self._say(f"\r\n{self._prompt}")
            return
        name, arguments = words[0], words[1:]
        command = self._commands.get(name)
        if command is None:
            said: str | None = f"error: unknown command '{name}'"
        elif state is State.OFF and name in _NEED_CORE:
            said = "error: core power is off"
        else:
            said = command(arguments)
        if said is not None:
            self._say("".join(f"{row}\r\n" for row in said.split("\n")) + self._prompt)

    def _log_in(self, name: str) -> None:
        if name == "root":
            self._session = self._board.boots
            self._say(f"\r\n{self._prompt}")
        else:
            self._say("\r\n" + ("Login incorrect\r\n" if name else "") + self._board.login)

    # -- commands: each returns its lines, or None when the prompt comes later ---------------------------------------

    def _bist(self, arguments: list[str]) -> str | None:
        loops, names = "100", []
        for word in arguments:
            if word.startswith("loops="):
                loops = word.removeprefix("loops=")
            else:
                names.append(word)
        if len(names) != 1:
            return "error: usage: bist NAME [loops=N]"
        if not (loops.isascii() and loops.isdigit() and 0 < int(loops) <= _MOST_LOOPS):
            return f"error: loops={loops} is not a count"
        duration_s = int(loops) * self._board.model.loop_s
        prompt = self._prompt
        self._board.start_test(f"bist {names[0]}", duration_s, lambda outcome: f"BIST {_RESULTS[outcome]}\r\n{prompt}")
        return None

    def _pll(self, arguments: list[str]) -> str:
        if not arguments or arguments[0] != "core" or len(arguments) > 2:
            return "error: usage: pll core [MHZ]"
        if len(arguments) == 2:
            try:
                self._board.set_clock(float(arguments[1]) * 1e6)
            except ValueError as error:
                return f"error: {error}"
        return f"core={self._board.hz / 1e6:.10g}"

    def _sensors(self, arguments: list[str]) -> str:
        shown = []
        for name in arguments or ("tj", "vcore"):
            row = self._sensor(name)
            if row is not None:
                shown.append(row)
            elif arguments:
                return f"error: no sensor '{name}'"
        return "\n".join(shown)

    def _sensor(self, name: str) -> str | None:
        board = self._board
        if name == "tj":
            return f"tj={board.sensor_degc():.1f}"
        if name == "vcore":
            with suppress(KeyError):  # a core that the bench does not feed has no meter either
                return f"vcore={board.rail_volts(board.model.core_rail):.3f}"
        return None

    def _uptime(self, arguments: list[str]) -> str:
        return f"up {self._board.timeline.sync() - self._board.up_since:.1f} s, boot {self._board.boots}"

    def _version(self, arguments: list[str]) -> str:
        return "standby monitor 1.0" if self._board.state is State.OFF else f"{self._board.model.board} firmware 1.4.2"

    def _id(self, arguments: list[str]) -> str:
        return f"board={self._board.model.board} serial={self._board.dut}"

    def _help(self, arguments: list[str]) -> str:
        return "commands: " + " ".join(sorted(self._commands))
