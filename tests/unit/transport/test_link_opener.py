import os
import subprocess
import sys

import pytest
from link_servers import echo, serving

from labkit.clock import WallClock
from labkit.errors import LinkError
from labkit.transport.modbus import ModbusLink
from labkit.transport.opening import LinkOpener, check_resource
from labkit.transport.serial_message import SerialMessageLink
from labkit.transport.serial_port import SerialLink
from labkit.transport.tcp import TcpLink
from labkit.transport.visa import VisaLink


@pytest.fixture
def opener():
    opener = LinkOpener()
    yield opener
    opener.close()


def test_a_socket_is_labkits_own_unless_the_bench_names_a_visa_library(opener):
    with serving(echo) as server:
        own = opener.open("psu", server.resource, kind="message", clock=WallClock(), timeout_s=7.0)
        visa = opener.open("psu", f" {server.resource} ", kind="message", clock=WallClock(), visa="@py", timeout_s=6.0,
                           options={"read_termination": "\n"})
        assert isinstance(own, TcpLink)
        assert own.timeout_s == 7.0
        assert isinstance(visa, VisaLink)
        assert visa.timeout_s == 6.0
        assert [link.ask("1?").result() for link in (own, visa)] == ["1", "1"]
        opener.close()
        for link in (own, visa):
            with pytest.raises(LinkError, match="the link was closed"):
                link.ask("1?")
        opener.close()


def test_registers_and_consoles_ignore_the_benchs_visa_library(opener):
    with serving(echo) as server:
        resource = f"modbus-tcp://{server.address.host}:{server.address.port}?unit=3"
        link = opener.open("chamber", resource, kind="register", clock=WallClock(), visa="@ivi", timeout_s=1.5)
        assert isinstance(link, ModbusLink)
        assert (link.timeout_s, link.address.unit) == (1.5, 3)


@pytest.mark.skipif(sys.platform == "win32", reason="ptys")
def test_a_console(opener):
    board, port = os.openpty()
    link = opener.open("console", f"serial://{os.ttyname(port)}?baud=9600", kind="stream", clock=WallClock())
    assert isinstance(link, SerialLink)
    assert link.address.baud == 9600
    link.close()
    os.close(board)
    os.close(port)


@pytest.mark.parametrize(("resource", "kind", "said"), [
    ("TCPIP::10.0.0.11::5025::SOCKET", "register",
     "carries messages (SCPI), but the driver speaks Modbus registers; write modbus-tcp://"),
    ("modbus-tcp://10.0.0.20", "message",
     "carries Modbus registers, but the driver speaks messages (SCPI); write TCPIP::"),
    ("GPIB0::22::INSTR", "stream", "the driver speaks the text of a console; write serial:///dev/ttyUSB0"),
    ("serial:///dev/ttyUSB0", "register", "carries the text of a console"),
    ("TCPIP::10.0.0.11::x::SOCKET", "message", "whole number"),
    ("GPIB0::22::INSTR", "massage", "did you mean message?"),
])
def test_a_transport_that_does_not_fit_is_refused_before_anything_is_opened(opener, resource, kind, said):
    with pytest.raises(ValueError, match=r".") as caught:
        opener.open("x", resource, kind=kind, clock=WallClock())
    assert said in str(caught.value)
    with pytest.raises(ValueError, match=r"."):
        check_resource(resource, kind)


@pytest.mark.skipif(sys.platform == "win32", reason="ptys")
def test_an_instrument_on_a_serial_port(opener):
    board, port = os.openpty()
    options = {"read_termination": "\r\n", "write_termination": "\r\n", "gap_s": 0.01, "query_delay_s": 0.5}
    link = opener.open("clock", f"serial://{os.ttyname(port)}?baud=9600&flow=rtscts", kind="message",
                       clock=WallClock(), timeout_s=1.5, options=options)
    assert isinstance(link, SerialMessageLink)
    assert (link.timeout_s, link.address.baud, link.address.flow) == (1.5, 9600, "rtscts")
    assert link._write_termination == b"\r\n"
    link.close()
    os.close(board)
    os.close(port)


def test_each_transport_takes_what_it_has_a_use_for(opener):
    common = {"read_termination": "\r", "write_termination": "\r\n", "gap_s": 0.001, "query_delay_s": 0.002}
    with serving(echo) as server:
        tcp = opener.open("a", server.resource, kind="message", clock=WallClock(), options=common)
        assert (tcp._last, tcp._write_termination, tcp._pacing.gap_s) == (b"\r", b"\r\n", 0.001)
        visa = opener.open("b", server.resource, kind="message", clock=WallClock(), visa="@py", options=common)
        assert (visa._termination, visa._write_termination) == ("\r", "\r\n")
        assert (visa._pacing.gap_s, visa._delay.gap_s) == (0.001, 0.002)
        resource = f"modbus-tcp://{server.address.host}:{server.address.port}"
        modbus = opener.open("c", resource, kind="register", clock=WallClock(), options=common)
        assert modbus._pacing.gap_s == 0.001
        with pytest.raises(ValueError, match="no option 'read_terminator'; did you mean read_termination"):
            opener.open("d", resource, kind="register", clock=WallClock(), options={"read_terminator": "\n"})


def test_an_unknown_option_is_refused_before_anything_is_opened(opener):
    with serving(echo) as server:
        with pytest.raises(ValueError, match="no option 'conect_timeout_s'; did you mean connect_timeout_s"):
            opener.open("x", server.resource, kind="message", clock=WallClock(), options={"conect_timeout_s": 1})
        assert server.seen == []


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = ("import sys, labkit.transport.opening, labkit.transport.transcript, labkit.transport.modbus, "
            "labkit.transport.serial_port, labkit.transport.serial_message, labkit.transport.visa\n"
            "print([m for m in ('pyvisa', 'pyvisa_py', 'pymodbus', 'serial', 'numpy') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
