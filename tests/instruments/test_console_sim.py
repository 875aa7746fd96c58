import re

import pytest

from labkit.clock import VirtualClock
from labkit.errors import LinkTimeout
from labkit.sim.link import TwinStreamLink
from labkit.sim.twin import TwinEnvironment
from labkit.sim.world import BoardModel, State, World
from labkit_instruments.board_console.console import Console
from labkit_instruments.board_console.console_sim import ConsoleTwin

QUIET = {"lapse": 0.0, "part_v": 0.0, "lot_v": 0.0, "outliers": 0.0, "floor_part_v": 0.0, "drift_v": 0.0,
         "edge_v": 1e-5, "second_cycle": 0.0}


class Desk:
    """A board, its supply and a terminal."""

    def __init__(self, options=None, **model):
        self.clock = VirtualClock()
        self.world = World(self.clock, 1)
        self.board = self.world.add_board("A", "SIM-A", BoardModel(**{**QUIET, **model}), None)
        self.core, io = self.board.feed("core"), self.board.feed("io")
        io.drive(on=True, volts=1.8, amps=0.8, remote=False)
        self.twin = ConsoleTwin(TwinEnvironment("console", "SIM-A", self.clock, 1, {1: self.board}, options or {}))
        self.link = TwinStreamLink("console", self.twin, self.clock)

    def power(self, volts=0.75, on=True):
        self.core.drive(on=on, volts=volts, amps=4.5, remote=True)

    def expect(self, text, timeout_s=60.0):
        return self.link.expect(re.compile(re.escape(text)), timeout_s)

    def say(self, line, timeout_s=5.0, end="\n"):
        self.link.drain()
        self.link.send(line + end)
        return self.link.expect(re.compile(r"(?:\A|(?<=[\r\n]))# "), timeout_s)

    def log_in(self):
        self.power()
        self.expect("login: ")
        self.say("root")
        return self

    def edge(self, hz):
        return self.board.silicon.vmin(hz, self.board.die_degc(), 2.2)


def test_boot_shows_its_lines_in_order_and_then_the_login():
    desk = Desk()
    desk.power()
    text = desk.expect("login: ")
    assert text.split("\r\n") == [
        "Boot ROM 2.1, reset cause: power-on", "DDR: 2 channels trained", "Boot loader 1.4.2", "Starting kernel",
        "dpu-a0 login: "]
    assert desk.clock.now() == pytest.approx(20.1, abs=0.2)


def test_lines_appear_while_the_boot_goes_on():
    desk = Desk()
    desk.power()
    desk.expect("Boot ROM")
    assert desk.clock.now() < 1.0
    desk.expect("Boot loader")
    assert 8.0 < desk.clock.now() < 12.0


def test_login_and_wrong_login():
    desk = Desk()
    desk.power()
    desk.expect("login: ")
    desk.link.send("guest\n")
    assert desk.expect("login: ") == "\r\nLogin incorrect\r\ndpu-a0 login: "
    desk.link.send("root\n")
    assert desk.expect("# ") == "\r\n# "


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_every_line_end_is_one_line(end):
    desk = Desk().log_in()
    assert desk.say("pll core", end=end) == "core=1600\r\n# "
    assert desk.say("", end=end) == "\r\n# "
    desk.clock.sleep(1.0)
    assert desk.link.drain() == ""


def test_characters_may_come_one_by_one_and_be_corrected():
    desk = Desk().log_in()
    for char in "plx\bl core":
        desk.link.send(char)
        desk.clock.sleep(0.1)
    assert desk.say("") == "core=1600\r\n# "


def test_commands():
    desk = Desk().log_in()
    assert desk.say("pll core 1850") == "core=1850\r\n# "
    assert desk.board.hz == 1.85e9
    assert desk.say("pll core 2500") == "error: 2500 MHz is outside 800..2400 MHz\r\n# "
    assert desk.say("pll core fast").startswith("error: ")
    assert desk.say("pll mesh 1").startswith("error: usage")
    assert re.fullmatch(r"tj=\d+\.[05]\r\n# ", desk.say("sensors tj"))
    assert re.fullmatch(r"tj=\d+\.[05]\r\nvcore=0\.750\r\n# ", desk.say("sensors"))
    assert desk.say("sensors fan") == "error: no sensor 'fan'\r\n# "
    assert desk.say("id") == "board=dpu-a0 serial=SIM-A\r\n# "
    assert desk.say("version") == "dpu-a0 firmware 1.4.2\r\n# "
    assert desk.say("uptime").startswith("up ")
    assert desk.say("help") == "commands: bist help id pll sensors uptime version\r\n# "
    assert desk.say("reboot now") == "error: unknown command 'reboot'\r\n# "
    for wrong in ("bist", "bist all loops=0", "bist all loops=x", "bist all loops=99999999999"):
        assert desk.say(wrong).startswith("error: ")


def test_a_test_takes_its_loops_and_then_tells_its_result():
    desk = Desk().log_in()
    began = desk.clock.now()
    assert desk.say("bist all loops=400") == "BIST PASS\r\n# "
    assert desk.clock.now() - began == pytest.approx(0.2)


@pytest.mark.parametrize(("below_v", "said"), [(0.0025, "CORRECTED"), (0.010, "FAIL")])
def test_a_test_just_below_the_edge(below_v, said):
    desk = Desk().log_in()
    desk.say("pll core 1800")
    desk.power(desk.edge(1.8e9) - below_v)
    desk.clock.sleep(0.05)
    assert desk.say("bist all loops=100") == f"BIST {said}\r\n# "


def test_a_crash_panics_and_boots_by_itself():
    desk = Desk().log_in()
    desk.say("pll core 1800")
    desk.power(desk.edge(1.8e9) - 0.022)
    desk.clock.sleep(0.05)
    desk.link.send("bist all loops=100\n")
    text = desk.expect("login: ")
    assert text.startswith("panic: uncorrectable error, rebooting\r\nBoot ROM 2.1, reset cause: watchdog\r\n")
    desk.link.send("pll core\n")  # nobody is logged in after a boot
    assert "Login incorrect" in desk.expect("login: ")


def test_a_hang_is_silent_until_a_power_cycle():
    desk = Desk().log_in()
    desk.say("pll core 1800")
    desk.power(desk.edge(1.8e9) - 0.045)
    desk.clock.sleep(0.05)
    with pytest.raises(LinkTimeout) as silence:
        desk.say("bist all loops=100")
    assert silence.value.reply == ""
    desk.power(0.75)
    with pytest.raises(LinkTimeout):
        desk.say("")
    desk.power(on=False)
    desk.clock.sleep(1.0)
    assert desk.say("sensors tj") == "error: core power is off\r\n# "
    desk.log_in()
    assert desk.say("bist all loops=100") == "BIST PASS\r\n# "


def test_without_core_power_the_standby_monitor_answers():
    desk = Desk()
    assert desk.say("") == "\r\n# "
    assert desk.say("version") == "standby monitor 1.0\r\n# "
    for command in ("pll core 1000", "sensors tj", "bist all loops=1", "uptime"):
        assert desk.say(command) == "error: core power is off\r\n# "
    assert desk.say("nonsense") == "error: unknown command 'nonsense'\r\n# "


def test_power_off_cancels_what_was_scheduled():
    desk = Desk().log_in()
    desk.link.send("bist all loops=10000\n")
    desk.clock.sleep(1.0)
    desk.power(on=False)
    desk.clock.sleep(60.0)
    assert desk.link.drain() == ""
    assert desk.twin.due() is None
    desk.power()
    desk.clock.sleep(5.0)
    desk.power(on=False)
    desk.clock.sleep(60.0)
    assert desk.link.drain() == "Boot ROM 2.1, reset cause: power-on\r\n"


def test_what_is_typed_during_a_boot_is_lost_and_during_a_test_waits():
    desk = Desk()
    desk.power()
    desk.clock.sleep(5.0)
    desk.link.send("root\n")
    assert desk.expect("login: ").count("login") == 1
    desk.clock.sleep(1.0)
    assert desk.link.drain() == ""
    desk.say("root")
    desk.link.send("bist all loops=200\npll core\n")
    assert desk.expect("core=1600\r\n# ") == "BIST PASS\r\n# core=1600\r\n# "


def test_control_c_ends_a_test():
    desk = Desk().log_in()
    desk.link.send("bist all loops=100000\n")
    desk.clock.sleep(1.0)
    desk.link.send("\x03")
    assert desk.expect("# ", 1.0) == "^C\r\n# "
    assert not desk.board.testing
    assert desk.say("bist all loops=100") == "BIST PASS\r\n# "


def test_options_echo_prompt_and_wording():
    desk = Desk({"echo": True, "prompt": "=> ", "login": "name? ", "banner": ["hello {cause}"]})
    desk.power()
    assert desk.expect("name? ") == "hello power-on\r\nname? "
    desk.link.send("root\r\n")
    assert desk.expect("=> ") == "root\r\n\r\n=> "
    desk.link.send("pll core\r\n")
    assert desk.expect("=> ") == "pll core\r\ncore=1600\r\n=> "


def test_the_driver_talks_to_the_twin():
    desk = Desk().log_in()
    assert Console("console", desk.link, desk.clock).identify().model == "console"


def test_a_quiet_board_has_nothing_due():
    desk = Desk().log_in()
    assert desk.board.state is State.UP
    assert desk.twin.due() is None
    assert desk.twin.take() == ""


def test_the_twin_wants_a_board():
    with pytest.raises(TypeError, match="needs a simulated board"):
        ConsoleTwin(TwinEnvironment("console", "SIM-A", VirtualClock(), 1, {1: None}))
