"""Over PyVISA-py against sockets, and over a made-up VISA library for what no CI machine has (GPIB, USB)."""

import sys
import threading
import types
import warnings

import pytest
from link_servers import answering, echo, serving

from labkit.errors import LinkError, LinkTimeout
from labkit.transport.visa import VisaLibraries, VisaLink

GPIB = "GPIB0::22::INSTR"


def test_question_and_answer_over_pyvisa_py():
    with serving(echo) as server:
        link = VisaLink("psu", server.resource)
        link.write("VOLT 1")
        pending = link.ask("7?")
        for attempt in (link.ask, link.write):
            with pytest.raises(RuntimeError, match="was collected"):
                attempt("8?")
        assert pending.result() == "7"
        with pytest.raises(RuntimeError, match="collected already"):
            pending.result()
        assert link.ask("8?").result() == "8"
        assert server.seen == ["VOLT 1", "7?", "8?"]
        link.close()
        link.close()


@pytest.mark.parametrize(("wire", "text"), [
    (b"1.5\r\n", "1.5"), (b"\n", ""), (b"#15a\nb\nc;2\n", "#15a\nb\nc;2"), (b"#13a\n\r\n", "#13a\n\r"),
])
def test_replies_are_those_of_the_socket_link(wire, text):
    with serving(answering(wire)) as server:
        link = VisaLink("dmm", server.resource)
        assert link.ask("X?").result() == text
        assert link.ask("X?").result() == text
        link.close()


def test_a_long_block_arrives_whole():
    data = bytes(range(256)) * 4096
    wire = b"#7%07d" % len(data) + data + b"\n"
    with serving(answering(wire)) as server:
        link = VisaLink("scope", server.resource)
        assert link.ask("CURV?").result().encode("latin-1") == wire[:-1]
        link.close()


def test_nothing_is_held_back_over_pyvisa_py():
    import socket

    with serving(echo) as server:
        link = VisaLink("psu", server.resource)
        sock = link._session.visalib.sessions[link._session.session].interface
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        link.close()


def test_a_late_reply_never_answers_the_next_question():
    def late(connection, server):
        for message in server.lines(connection):
            if message == "SLOW?":
                server.release.wait(10)
                connection.sendall(b"old\n")
                server.reached.set()
            elif message.endswith("?"):
                connection.sendall(b"new\n")

    with serving(late) as server:
        link = VisaLink("dmm", server.resource, timeout_s=0.05)
        with pytest.raises(LinkTimeout, match=r"no complete answer within 0\.05 s") as caught:
            link.ask("SLOW?").result()
        assert (caught.value.instrument, caught.value.sent) == ("dmm", "SLOW?")
        server.release.set()
        assert server.reached.wait(5)
        with pytest.raises(LinkError, match="clear it first"):
            link.ask("FAST?")
        link.clear()
        assert link.ask("FAST?").result() == "new"
        link.close()


def test_refused_bad_and_closed():
    with serving(echo) as server:
        resource = server.resource
        link = VisaLink("psu", resource)
        for message, said in (("A\nB?", "two messages"), ("Ω", "no instrument understands")):
            with pytest.raises(LinkError, match=said):
                link.ask(message)
        link.close()
        for attempt in (lambda: link.ask("1?"), link.clear):
            with pytest.raises(LinkError, match="the link was closed"):
                attempt()
    with pytest.raises(LinkError, match=r"cannot be opened through @py: .*check that the instrument is switched on"):
        VisaLink("psu", resource)
    with pytest.raises(ValueError, match="above 0"):
        VisaLink("psu", resource, timeout_s=0)


def test_close_from_another_thread_breaks_a_wait():
    def silent(connection, server):
        for _ in server.lines(connection):
            server.reached.set()

    with serving(silent) as server:
        link = VisaLink("dmm", server.resource, timeout_s=30)
        threading.Thread(target=lambda: (server.reached.wait(5), link.close())).start()
        with pytest.raises(LinkError, match="the link was closed"):
            link.ask("READ?").result()


@pytest.mark.parametrize(("library", "said"), [
    ("@nosuch", "'@nosuch' cannot be used: Wrapper not found.*; check the path"),
    ("/no/such/libvisa.so", "'/no/such/libvisa.so' cannot be used: .*check the path"),
])
def test_a_library_that_is_not_there(library, said):
    with pytest.raises(LinkError, match=said):
        VisaLink("dmm", GPIB, library=library)


def test_no_vendor_library_says_what_to_install(monkeypatch):
    import pyvisa

    def missing(library):
        raise OSError("Could not open VISA library")

    monkeypatch.setattr(pyvisa, "ResourceManager", missing)
    with pytest.raises(LinkError, match='install NI-VISA or Keysight IO Libraries, or write visa: "@py"'):
        VisaLink("dmm", GPIB, library="@ivi")
    with pytest.raises(LinkError, match="pip install pyvisa-py"):
        VisaLink("dmm", GPIB, library="@py")


class FakeInstrument:
    """What lies behind the made-up library: answers, and how it fails."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.replies: list[bytes] = []
        self.clears = self.opens = self.closes = 0
        self.fail_clear = self.fail_write = False
        self.short_write = False
        self.read_status = None


@pytest.fixture
def fake(monkeypatch):  # noqa: C901  (a library in one place)
    """A VISA library called @labkitfake with one GPIB instrument: reads end with END, 20 bytes at a time."""
    from pyvisa import constants, highlevel
    from pyvisa.constants import StatusCode

    instrument = FakeInstrument()

    class Library(highlevel.VisaLibraryBase):
        @staticmethod
        def get_library_paths():
            return (highlevel.LibraryPath("fake"),)

        def _init(self):
            self.attributes = {}

        def open_default_resource_manager(self):
            return 1, self.handle_return_value(None, StatusCode.success)

        def open(self, session, resource_name, access_mode=constants.AccessModes.no_lock, open_timeout=0):
            instrument.opens += 1
            return 2, self.handle_return_value(session, StatusCode.success)

        def close(self, session):
            instrument.closes += session == 2
            return self.handle_return_value(session, StatusCode.success)

        def disable_event(self, session, event_type, mechanism):
            return self.handle_return_value(session, StatusCode.success)

        discard_events = disable_event

        def uninstall_all_visa_handlers(self, session):
            return None

        def get_attribute(self, session, attribute):
            return self.attributes.get(attribute, 0), self.handle_return_value(session, StatusCode.success)

        def set_attribute(self, session, attribute, value):
            self.attributes[attribute] = value
            return self.handle_return_value(session, StatusCode.success)

        def write(self, session, data):
            if instrument.fail_write:
                return 0, self.handle_return_value(session, StatusCode.error_no_listeners)
            instrument.written.append(bytes(data))
            count = len(data) - 1 if instrument.short_write else len(data)
            return count, self.handle_return_value(session, StatusCode.success)

        def read(self, session, count):
            if instrument.read_status is not None:
                return b"", self.handle_return_value(session, instrument.read_status)
            if not instrument.replies:
                return b"", self.handle_return_value(session, StatusCode.error_timeout)
            piece, rest = instrument.replies[0][:20], instrument.replies[0][20:]
            if rest:
                instrument.replies[0] = rest
                return piece, self.handle_return_value(session, StatusCode.success_max_count_read)
            del instrument.replies[0]
            # a status on which PyVISA warns: it must not leak
            return piece, self.handle_return_value(session, StatusCode.warning_unknown_status)

        def clear(self, session):
            instrument.clears += 1
            return self.handle_return_value(
                session, StatusCode.error_timeout if instrument.fail_clear else StatusCode.success)

        def read_memory(self, *args, **kwargs):
            raise NotImplementedError

    monkeypatch.setitem(sys.modules, "pyvisa_labkitfake", types.SimpleNamespace(WRAPPER_CLASS=Library))
    monkeypatch.delitem(highlevel._WRAPPERS, "labkitfake", raising=False)
    return instrument


def test_a_reply_over_gpib_ends_with_end_not_with_a_character(fake):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        link = VisaLink("dmm", GPIB, library="@labkitfake")
        fake.replies += [b"#230" + b"\n" * 30 + b"\n", b"+1.0\r\n", b"no end"]
        assert link.ask("DATA?").result() == "#230" + "\n" * 30
        assert link.ask("READ?").result() == "+1.0"
        assert link.ask("READ?").result() == "no end"
        assert fake.written == [b"DATA?\n", b"READ?\n", b"READ?\n"]
        link.close()
    assert fake.closes == 1


def test_a_time_out_over_gpib_is_mended_by_a_device_clear(fake):
    link = VisaLink("dmm", GPIB, library="@labkitfake")
    with pytest.raises(LinkTimeout, match="no complete answer within 2 s"):
        link.ask("READ?").result()
    with pytest.raises(LinkError, match="did not come in time; clear it first"):
        link.write("*CLS")
    link.clear()
    assert (fake.clears, fake.opens) == (1, 1)
    fake.replies.append(b"1\n")
    assert link.ask("READ?").result() == "1"
    fake.fail_clear = True
    link.clear()
    assert (fake.clears, fake.opens, fake.closes) == (2, 2, 1)
    fake.replies.append(b"2\n")
    assert link.ask("READ?").result() == "2"
    link.close()


def test_errors_of_the_library_are_said_in_one_line(fake):
    from pyvisa.constants import StatusCode

    link = VisaLink("dmm", GPIB, library="@labkitfake")
    fake.fail_write = True
    with pytest.raises(LinkError, match=r"dmm: the connection failed: VI_ERROR_NLISTENERS: .*\(sent 'READ\?'") as found:
        link.ask("READ?")
    assert "\n" not in str(found.value)
    fake.fail_write = False
    link.clear()
    fake.short_write = True
    with pytest.raises(LinkError, match="only 5 of 6 bytes were sent"):
        link.write("READ?")
    fake.short_write = False
    link.clear()
    fake.read_status = StatusCode.error_connection_lost
    with pytest.raises(LinkError, match="VI_ERROR_CONN_LOST") as caught:
        link.ask("READ?").result()
    assert not isinstance(caught.value, LinkTimeout)
    link.close()


def test_terminators_may_be_chosen(fake):
    from pyvisa.constants import ResourceAttribute

    link = VisaLink("gen", "ASRL1::INSTR", library="@labkitfake", read_termination="\r", write_termination="\r")
    fake.replies.append(b"LAMBDA,GEN40-38\r")
    assert link.ask("IDN?").result() == "LAMBDA,GEN40-38"
    assert fake.written == [b"IDN?\r"]
    assert link._session.visalib.attributes[ResourceAttribute.termchar] == ord("\r")
    link.close()


def test_a_library_is_loaded_once(fake):
    libraries = VisaLibraries()
    first = VisaLink("a", GPIB, library="@labkitfake", libraries=libraries)
    second = VisaLink("b", "GPIB0::23::INSTR", library="@labkitfake", libraries=libraries)
    assert first._manager is second._manager
    libraries.close()
    fake.replies.append(b"1\n")
    assert second.ask("X?").result() == "1"  # links outlive the collection that loaded their library
    first.close()
    second.close()


@pytest.mark.parametrize(("resource", "ends_itself"), [
    ("TCPIP0::10.0.0.7::INSTR", True),
    ("TCPIP0::10.0.0.7::inst0::INSTR", True),
    ("TCPIP0::10.0.0.7::hislip0::INSTR", True),
    ("USB0::0x2A8D::0x1102::MY58000000::0::INSTR", True),
    ("GPIB1::7::INSTR", True),
    ("ASRL/dev/ttyUSB0::INSTR", False),
    ("ASRL3::INSTR", False),
])
def test_every_other_resource_goes_the_same_way(fake, resource, ends_itself):
    """Never seen on hardware: what can be known is what the library is asked to do."""
    from pyvisa.constants import ResourceAttribute

    link = VisaLink("box", resource, library="@labkitfake", timeout_s=4.5)
    fake.replies += [b"#214\nblock of text\n", b"+2.0\r\n"]
    assert link.ask("DATA?").result() == "#214\nblock of text"
    assert link.ask("READ?").result() == "+2.0"
    attributes = link._session.visalib.attributes
    assert attributes[ResourceAttribute.timeout_value] == 4500
    assert attributes.get(ResourceAttribute.termchar_enabled, False) is not ends_itself
    link.close()
    assert (fake.opens, fake.closes) == (1, 1)


def test_gaps_and_the_pause_before_an_answer_is_read(fake):
    import time

    link = VisaLink("box", GPIB, library="@labkitfake", gap_s=0.03, query_delay_s=0.02)
    fake.replies += [b"1\n", b"2\n"]
    started = time.monotonic()
    assert [link.ask("X?").result() for _ in range(2)] == ["1", "2"]
    assert time.monotonic() - started >= 0.069
    link.close()


@pytest.mark.skipif(sys.platform == "win32", reason="ptys")
def test_a_serial_instrument_over_pyvisa_py():
    import os
    import tty

    device, port = os.openpty()
    tty.setraw(port)
    link = VisaLink("clock", f"ASRL{os.ttyname(port)}::INSTR", read_termination="\r\n", write_termination="\r\n")
    pending = link.ask("FREQ?")
    assert os.read(device, 100) == b"FREQ?\r\n"
    os.write(device, b"10000000.0\r\n")
    assert pending.result() == "10000000.0"
    link.close()
    os.close(port)
    os.close(device)
