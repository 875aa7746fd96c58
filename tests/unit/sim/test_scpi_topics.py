"""Entries that share their methods by topic, and twins whose commands without a channel list are about the box."""

from __future__ import annotations

import pytest

from labkit.clock import VirtualClock
from labkit.instrument import Channel, Instrument, ScpiDialect
from labkit.sim.scpi import Entry, Number, Place, ScpiTwin, TableError
from labkit.sim.twin import TwinEnvironment


class Box(Instrument):
    kind = "multimeter"
    manufacturer = "X"
    models = ("B1",)
    dialect = ScpiDialect(channel="list")
    channel_type = Channel
    channel_numbers = (1, 2)


class BoxTwin(ScpiTwin):
    driver = Box
    unlisted = True
    rows = (
        Entry("VOLTage:GAIN", (Number("", 0, 9),), 1.0, "list", name="gain", topic="VOLT"),
        Entry("CURRent:GAIN", (Number("", 0, 9),), 2.0, "list", name="gain", topic="CURR"),
        Entry("VOLTage:READ", access="query", channel="list", name="read", topic="VOLT"),
        Entry("CURRent:READ", access="query", channel="list", name="read", topic="CURR"),
    )

    def on_gain(self, topic: str, place: Place, value: float) -> None:
        self.assign(f"gain {topic}", place, round(value))

    def get_read(self, topic: str, place: Place) -> str:
        return f"{topic}{place}"


def twin() -> BoxTwin:
    return BoxTwin(TwinEnvironment("box", "SIM1", VirtualClock(), 1, {}))


def test_methods_are_given_the_topic_first() -> None:
    box = twin()
    assert box.handle("VOLT:READ? (@2);:CURR:READ?").text == "VOLT2;CURRNone"
    box.handle("VOLT:GAIN 2.6,(@1)")
    assert (box.value("gain VOLT", 1), box.value("gain VOLT", 2), box.value("gain CURR", 1)) == (3, 1.0, 2.0)


def test_without_a_list_a_command_is_about_the_box_itself() -> None:
    box = twin()
    box.handle("VOLT:GAIN 5")
    assert [box.value("gain VOLT", place) for place in (None, 1, 2)] == [5, 1.0, 1.0]
    assert float(box.handle("*RST;:VOLT:GAIN?").text or "nan") == 1.0


def test_a_name_that_is_taken_without_a_topic_cannot_be_shared() -> None:
    class Wrong(BoxTwin):
        rows = (Entry("A", (Number(),), 0.0, name="gain"), *BoxTwin.rows)

    with pytest.raises(TableError, match="takes the name gain"):
        Wrong(TwinEnvironment("box", "SIM1", VirtualClock(), 1, {}))
