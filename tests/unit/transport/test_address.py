import pytest

from labkit.transport.address import ModbusRtu, ModbusTcp, SerialPort, TcpSocket, Visa, parse_resource


@pytest.mark.parametrize(("text", "address"), [
    ("TCPIP::10.0.0.11::5025::SOCKET", TcpSocket("10.0.0.11", 5025)),
    ("tcpip0::psu-a.lab.example::5025::socket", TcpSocket("psu-a.lab.example", 5025)),
    ("TCPIP::[fe80::1%eth0]::5025::SOCKET", TcpSocket("fe80::1%eth0", 5025)),
    ("  TCPIP1::k-e36312a_7::1::SOCKET ", TcpSocket("k-e36312a_7", 1)),
    ("modbus-tcp://10.0.0.20", ModbusTcp("10.0.0.20", 502, 1)),
    ("modbus-tcp://10.0.0.20:1502?unit=7", ModbusTcp("10.0.0.20", 1502, 7)),
    ("modbus-tcp://[::1]:502", ModbusTcp("::1", 502, 1)),
    ("modbus-rtu:///dev/ttyUSB0?baud=38400&unit=2&parity=e&stopbits=2",
     ModbusRtu("/dev/ttyUSB0", 38400, 2, 8, "E", 2)),
    ("modbus-rtu://COM7", ModbusRtu("COM7", 19200, 1)),
    ("serial:///dev/ttyUSB0", SerialPort("/dev/ttyUSB0", 115200, 8, "N", 1, "none")),
    ("serial:///dev/serial/by-id/usb-FTDI_FT232R-if00-port0?baud=9600&flow=rtscts&bytesize=7&parity=O&stopbits=1.5",
     SerialPort("/dev/serial/by-id/usb-FTDI_FT232R-if00-port0", 9600, 7, "O", 1.5, "rtscts")),
    ("serial://COM3?baud=57600", SerialPort("COM3", 57600)),
    ("GPIB0::22::INSTR", Visa("GPIB0::22::INSTR")),
    ("USB0::0x2A8D::0x1102::MY58221234::INSTR", Visa("USB0::0x2A8D::0x1102::MY58221234::INSTR")),
    ("TCPIP::10.0.0.5::INSTR", Visa("TCPIP::10.0.0.5::INSTR")),
    ("TCPIP::10.0.0.5::hislip0::INSTR", Visa("TCPIP::10.0.0.5::hislip0::INSTR")),
    ("ASRL/dev/ttyUSB0::INSTR", Visa("ASRL/dev/ttyUSB0::INSTR")),
    ("ASRL3", Visa("ASRL3")),
])
def test_addresses_are_read(text, address):
    assert parse_resource(text) == address


@pytest.mark.parametrize(("text", "kind"), [
    ("TCPIP::h::1::SOCKET", "message"), ("GPIB0::22::INSTR", "message"), ("serial://COM3", "stream"),
    ("modbus-tcp://h", "register"), ("modbus-rtu://COM3", "register"),
])
def test_every_address_says_which_kind_of_link_it_carries(text, kind):
    assert parse_resource(text).kind == kind


@pytest.mark.parametrize(("text", "said"), [
    ("", "empty"),
    ("TCPIP::::5025::SOCKET", "names no host"),
    ("TCPIP::10.0.0.11::0::SOCKET", "1 to 65535"),
    ("TCPIP::10.0.0.11::65536::SOCKET", "1 to 65535"),
    ("TCPIP::10.0.0.11::５０::SOCKET", "whole number"),
    ("TCPIP::10.0.0.11::scpi::SOCKET", "whole number"),
    ("TCPIP::fe80::1::5025::SOCKET", "in brackets"),
    ("TCPIP::ho st::5025::SOCKET", "no host name"),
    ("TCPIP::" + "a" * 64 + "::5025::SOCKET", "no host name"),
    ("modbus-tcp://", "names no host"),
    ("modbus-tcp://:502", "names no host"),
    ("modbus-tcp://10.0.0.20:", "1 to 65535"),
    ("modbus-tcp://10.0.0.20:502:1", "whole number"),
    ("modbus-tcp://10.0.0.20?unit=256", "0 to 255"),
    ("modbus-tcp://10.0.0.20?units=1", "did you mean unit?"),
    ("modbus-rtu:///dev/ttyUSB0?unit=0", "1 to 247"),
    ("serial://", "names no serial port"),
    ("serial:///", "names no serial port"),
    ("serial:///dev/ttyUSB0?baud=fast", "whole number"),
    ("serial:///dev/ttyUSB0?baud=", "no value"),
    ("serial:///dev/ttyUSB0?baud=9600&baud=19200", "twice"),
    ("serial:///dev/ttyUSB0?baudrate=9600", "did you mean baud?"),
    ("serial:///dev/ttyUSB0?parity=X", "N, E, O"),
    ("serial:///dev/ttyUSB0?stopbits=3", "1, 1.5, 2"),
    ("serial:///dev/ttyUSB0?flow=yes", "rtscts"),
    ("/dev/ttyUSB0", "serial:///dev/ttyUSB0?baud=115200"),
    ("COM3", "serial://COM3?baud=115200"),
    ("modbus://10.0.0.20", "did you mean modbus-"),
    ("10.0.0.11:5025", "TCPIP::10.0.0.11::5025::SOCKET"),
    ("GPIB0", "write TCPIP"),
    ("my psu", "write TCPIP"),
])
def test_a_wrong_address_is_refused_with_what_to_write(text, said):
    with pytest.raises(ValueError, match=r".") as caught:
        parse_resource(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_hostile_address_is_refused_in_a_message_that_is_safe_to_show():
    with pytest.raises(ValueError, match=r"\\x1b") as caught:
        parse_resource("serial://\x1b]52;c;x\x07?baud=1")
    assert "\x1b" not in str(caught.value)
    with pytest.raises(ValueError, match=r".") as caught:
        parse_resource("x!" * 100_000)
    assert len(str(caught.value)) < 700
