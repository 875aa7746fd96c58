import pytest

from labkit.transport.framing import LONGEST_REPLY, Framing, FramingError

WHOLE = [
    (b"1.5\n", 3),
    (b"\n", 0),
    (b"#15a\nb\nc\n", 8),
    (b"1;#15a\nb\nc;2\n", 12),
    (b"#210" + b"\n" * 10 + b"\n", 14),
    (b"#10\n", 3),
    (b"#HFF\n", 4),
    (b'"see #15";1\n', 11),
    (b'"a""#15b"\n', 9),
    (b'"open quote\n', 11),
    (b"a#15\n", 4),
    (b"CURV #13\n\n\n\n", 11),
    (b"#0abc\n", 5),
    (b"#3\n", 2),
]


@pytest.mark.parametrize(("reply", "end"), WHOLE)
def test_the_end_of_a_reply_is_found(reply, end):
    assert Framing().end(reply) == end


@pytest.mark.parametrize(("reply", "end"), WHOLE)
def test_the_end_is_the_same_whatever_the_pieces(reply, end):
    framing, buffer = Framing(), bytearray()
    for index in range(len(reply)):
        buffer += reply[index:index + 1]
        assert framing.end(buffer) == (end if index == end else -1), (index, buffer)


def test_a_carriage_return_is_taken_off_but_never_a_byte_of_a_block():
    framing = Framing()
    assert framing.text(b"1\r\n", framing.end(b"1\r\n")) == "1"
    framing, reply = Framing(), b"#12a\r\n"
    assert framing.text(reply, framing.end(reply)) == "#12a\r"
    framing, reply = Framing(), b"#12a\r\r\n"
    assert framing.text(reply, framing.end(reply)) == "#12a\r"


def test_another_terminator():
    assert Framing(b"\r").end(b"a\nb\r") == 3
    with pytest.raises(ValueError, match="not one byte"):
        Framing(b"\r\n")


def test_a_reply_without_end_is_refused():
    with pytest.raises(FramingError, match="no end"):
        Framing().end(bytes(LONGEST_REPLY + 1))
    with pytest.raises(FramingError, match="announces 999999999 bytes"):
        Framing().end(b"#9999999999")
