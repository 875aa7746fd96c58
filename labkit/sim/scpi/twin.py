"""The base of SCPI twins: a driver's table read from the other side, with the manners of IEEE 488.2 and SCPI-99.

::

    class Twin(ScpiTwin):
        driver = E36312A
        rows = (Entry("DISPlay[:WINDow][:STATe]", (Boolean(),), True),)      # what others send

        def get_measured_voltage(self, channel): ...    # a reading: physics
        def on_voltage(self, channel, value): ...       # after a setting changed
        def do_clear_protection(self, channel): ...     # an action

Behaviour hangs on the names of rows; a reading without its ``get_``, an action without its ``do_`` and a method that
belongs to no row are errors when the twin is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from labkit.instrument import Instrument
from labkit.sim.scpi.build import build
from labkit.sim.scpi.command import Command, Entry, Place
from labkit.sim.scpi.common import COMMON, common_commands, status_commands
from labkit.sim.scpi.compiler import Step, compile_message
from labkit.sim.scpi.errors import ErrorQueue, ScpiError
from labkit.sim.scpi.formats import Formats
from labkit.sim.scpi.status import RegisterSpec, Status
from labkit.sim.scpi.tree import HeaderTree
from labkit.sim.twin import Reply, TwinEnvironment

_KEPT_PLANS = 4096
_LONGEST_KEPT = 400


class ScpiTwin:
    """An instrument that speaks SCPI. Class attributes describe the model, methods its behaviour."""

    driver: ClassVar[type[Instrument]]
    rows: ClassVar[tuple[Entry, ...]] = ()
    """Headers that the driver never sends but that other programs do."""
    omitted: ClassVar[frozenset[str]] = frozenset()
    """Names of driver rows that this model lacks, or that its own entries stand for."""
    unlisted: ClassVar[bool] = False
    """Whether a command without a channel list is about the instrument itself, under place None, and no channel."""
    own_hooks: ClassVar[frozenset[str]] = frozenset()
    """Names behind ``get_``, ``on_``... that are the twin's own business and no row."""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """*RST value by row: a value, or a callable that makes it from the channel."""
    forms: ClassVar[Mapping[str, Callable[[Any], str]]] = {}
    """Writers of single rows that differ from the formats."""
    formats: ClassVar[Formats] = Formats()
    registers: ClassVar[tuple[RegisterSpec, ...]] = ()
    """Status registers, from the leaves to the status byte."""
    common: ClassVar[tuple[str, ...]] = COMMON
    error_header: ClassVar[str] = "SYSTem:ERRor[:NEXT]"
    error_depth: ClassVar[int] = 20
    slots: ClassVar[range] = range(10)
    """Stores of *SAV and *RCL."""
    options_text: ClassVar[str] = "0"
    firmware: ClassVar[str] = "1.0"
    channel_names: ClassVar[Mapping[str, int]] = {}
    """Words that may stand for a channel: ``MEAS:VOLT? CH1``."""
    glued_list: ClassVar[bool] = False
    """Whether a channel list may follow the question mark without a blank."""
    latencies_s: ClassVar[Mapping[str, float]] = {}
    """Lab seconds by row name or header, or by class: "set", "query", "read" (measures), "self-test"."""

    def __init__(self, env: TwinEnvironment) -> None:
        self.env, self.name, self.clock = env, env.name, env.clock
        self.places: tuple[Place, ...] = (*((None,) if self.unlisted else ()), *self.driver.channel_numbers)
        self.selected: Place = self.places[0] if self.places else None
        self.errors = ErrorQueue(self.error_depth)
        self.status = Status(self.registers)
        self.state: dict[tuple[str, Place], Any] = {}
        self.spent_s = 0.0
        self.tree: HeaderTree[Command] = HeaderTree()
        self.commands: dict[str, Command] = {}
        self._plans: dict[str, tuple[Step, ...]] = {}
        self.stores: dict[int, dict[tuple[str, Place], Any]] = {}
        self.replies: list[str] = []
        for command in build(self):
            self._declare(command)
        for command in (*common_commands(self), *status_commands(self)):
            self._declare(command, keep=True)
        self._to_defaults(all_of_them=True)

    def _declare(self, command: Command, keep: bool = False) -> None:
        self.commands[command.key] = command
        if command.readable:
            self.tree.add(command.notation, True, command, keep=keep)
        if command.writable:
            self.tree.add(command.notation, False, command, keep=keep)

    def latency(self, name: str, otherwise: str) -> float:
        """Return the lab seconds that a row takes: its own, else its class's, else the driver's; 1 ms at last."""
        for key in (name, otherwise):
            if key in self.latencies_s:
                return self.latencies_s[key]
        latency = self.driver.latency
        return {"set": latency.set_s, "read": latency.read_s}.get(otherwise, 0.001)

    def handle(self, message: str) -> Reply:
        """Perform one message; the answers of its queries come joined by semicolons, None where there is none."""
        plan = self._plans.get(message)
        if plan is None:
            plan = self._compile(message)
        replies = self.replies = []
        self.spent_s = 0.0
        self.attend()
        for run, latency_s in plan:
            try:
                text = run()
            except ScpiError as error:
                self.report(error.number, error.text)
                self.spent_s += latency_s
                if error.is_command_error:
                    break
                continue
            self.spent_s += latency_s
            if text is not None:
                replies.append(text)
        return Reply(";".join(replies) if replies else None, self.spent_s)

    def _compile(self, message: str) -> tuple[Step, ...]:
        plan = compile_message(self, message)
        if len(message) <= _LONGEST_KEPT:
            if len(self._plans) >= _KEPT_PLANS:
                self._plans.clear()
            self._plans[message] = plan
        return plan

    # What a model may replace.

    def attend(self) -> None:
        """Look at the world before a message is performed: protection that has tripped meanwhile."""

    def refresh_status(self) -> None:
        """Bring condition registers up to date before a status query."""

    def after_reset(self) -> None:
        """Carry the settings out, after *RST or *RCL has changed them all."""

    def trigger(self) -> None:
        """Act on *TRG: without a trigger system it is ignored, with error -211."""
        raise ScpiError(-211)

    def identity(self) -> str:
        """Return the answer to *IDN?."""
        return f"{self.driver.manufacturer},{self.driver.models[0]},{self.env.serial},{self.firmware}"

    # What a model's methods use.

    def value(self, name: str, place: Place = None) -> Any:
        """Return the value of a setting; ``name`` is the row's, or the notation of an entry without a name."""
        return self.state[name, place]

    def assign(self, name: str, place: Place, value: Any) -> None:
        """Set a setting from inside (a trip, a coupling): no range check, no ``on_``."""
        self.state[name, place] = value

    def busy(self, seconds: float) -> None:
        """Make the message under way take longer, by lab ``seconds`` (integration time, gate time)."""
        self.spent_s += seconds

    def report(self, number: int, text: str) -> None:
        """Queue an error and set its bit in the standard event register."""
        self.errors.push(number, text)
        self.status.note_error(number)

    def overrun(self) -> None:
        """Queue -363: the server threw away a line that was too long."""
        self.report(-363, "Input buffer overrun")

    def reset(self) -> None:
        """*RST: settings to their defaults; error queue, status enables and stores stay (IEEE 488.2, 10.32)."""
        self._to_defaults(all_of_them=False)
        self.selected = self.places[0] if self.places else None
        self.after_reset()

    def _to_defaults(self, all_of_them: bool) -> None:
        for command in self.commands.values():
            if command.stateful and (command.resets or all_of_them):
                for place in command.places:
                    self.state[command.key, place] = command.default(place)
