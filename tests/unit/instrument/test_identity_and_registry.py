"""Who answers, and which driver is meant."""

# ruff: noqa: E501  (a table reads best with one row a line)
from __future__ import annotations

import pytest
from scripted_links import box

from labkit.errors import ConfigError, IdentityError
from labkit.instrument import Identity, parse_idn
from labkit.instrument import registry as drivers


@pytest.mark.parametrize(("reply", "identity"), [
    ("Keysight Technologies,E36312A,MY1,1.0.4-1.0.0-1.00\n", Identity("Keysight Technologies", "E36312A", "MY1", "1.0.4-1.0.0-1.00")),
    ("ACME, X1 ,7", Identity("ACME", "X1", "7", "")),
    ("A,B,C,D,E", Identity("A", "B", "C", "D,E")),
    ("A\x1b[2J,B,SIM00001,D", Identity("A\\x1b[2J", "B", "SIM00001", "D")),
])
def test_an_identity_is_read_and_harmless(reply: str, identity: Identity) -> None:
    found = parse_idn(reply, "psu_a")
    assert found == identity
    assert found.simulated == identity.serial.startswith("SIM")


@pytest.mark.parametrize("reply", ["", "hello", "one,two", "\n"])
def test_what_is_no_identity_says_so(reply: str) -> None:
    with pytest.raises(IdentityError, match="not manufacturer,model,serial,firmware"):
        parse_idn(reply, "psu_a")


def test_another_model_is_refused_with_what_to_check() -> None:
    psu, _ = box(lambda message: "")
    psu.expect_model(Identity("ACME", "X2", "1", "1"))
    with pytest.raises(IdentityError, match="psu_a: a ACME Z9 answers here, but the bench expects X1 or X2; check address"):
        psu.expect_model(Identity("ACME", "Z9", "1", "1"))


def test_an_unknown_driver_names_near_ones() -> None:
    with pytest.raises(ConfigError, match=r"no driver 'keysight-e36321a' .*; did you mean keysight-e36312a"):
        drivers.driver("keysight-e36321a")


class _Point:
    value = "somewhere:Thing"

    def __init__(self, found: object) -> None:
        self.found = found

    def load(self) -> object:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.mark.parametrize(("found", "said"), [
    (ImportError("no module named vendor"), r"\(somewhere:Thing\) cannot be imported: no module named vendor"),
    (SyntaxError("bad"), "cannot be imported: bad"), (object, "is not a labkit Instrument"), (3, "is not a labkit Instrument"),
])
def test_a_broken_driver_says_what_broke(monkeypatch: pytest.MonkeyPatch, found: object, said: str) -> None:
    monkeypatch.setattr(drivers, "names", lambda: {"mine": _Point(found)})
    with pytest.raises(ConfigError, match=said):
        drivers.driver("mine")
