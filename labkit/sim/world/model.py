"""What a simulated board is made of: the numbers behind its chip, its rails and its console.

Every field carries its unit (one of :data:`labkit.quantity.CANONICAL`) and its meaning as metadata, so that a board
file's ``model:`` section can be read and documented from here. The defaults describe the shipped DPU board. The shape
of the laws and most constants are those of public alpha-power models of 7 nm and 28 nm parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def _text(default: Any, doc: str) -> Any:
    """Return a dataclass field of text, which has no unit."""
    return field(default=default, metadata={"doc": doc})


def _value(default: Any, unit: str, doc: str) -> Any:
    """Return a dataclass field with its unit and meaning; a mapping holds one quantity of that unit a rail."""
    metadata = {"unit": unit, "doc": doc}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class BoardModel:
    """Parameters of a board. Voltages that decide pass or fail are those at the rail, near the chip."""

    board: str = _text("dpu-a0", "Name that the console shows before its login.")
    banner: tuple[str, ...] = _text(
        ("Boot ROM 2.1, reset cause: {cause}", "DDR: 2 channels trained", "Boot loader 1.4.2", "Starting kernel"),
        "Lines of the boot, evenly spread over the boot time; {cause} is power-on or watchdog.")
    login: str = _text("{board} login: ", "What the console shows when it has booted; {board} is the name.")
    panic: str = _text("panic: uncorrectable error, rebooting", "What a crash prints before the board boots.")

    core_rail: str = _text("core", "The rail that the core logic hangs on.")
    nominal_v: float = _value(0.75, "V", "Nominal voltage of the core rail.")
    power_good_v: float = _value(0.50, "V", "Core voltage above which the chip leaves reset.")
    reset_v: float = _value(0.42, "V", "Core voltage below which the chip is held in reset.")
    other_volts: Mapping[str, float] = _value({"io": 1.8}, "V", "Nominal voltage of each other rail.")
    other_amps: Mapping[str, float] = _value(
        {"io": 0.2}, "A", "Static load of each other rail at its nominal voltage; it behaves as a resistor.")
    discharge_s: float = _value(0.2, "s", "Time constant of a rail after its supply is switched off.")

    boot_hz: float = _value(1.6e9, "Hz", "Clock after reset.")
    min_hz: float = _value(0.8e9, "Hz", "Lowest clock that the PLL accepts.")
    max_hz: float = _value(2.4e9, "Hz", "Highest clock that the PLL accepts.")
    boot_s: float = _value(20.0, "s", "Time from power good to login.")
    loop_s: float = _value(0.5e-3, "s", "Time of one loop of a built-in self-test.")

    fmax_hz: float = _value(2.1e9, "Hz", "Fmax of a typical part at 0.75 V and 25 degC: fixes the law's scale.")
    alpha: float = _value(1.3, "", "Exponent of the alpha-power law.")
    vth_v: float = _value(0.26, "V", "Threshold voltage at 25 degC.")
    vth_slope_v_per_k: float = _value(0.9e-3, "", "How much the threshold falls a kelvin, V/K.")
    mobility: float = _value(0.75, "", "Exponent with which speed falls with absolute temperature.")
    path_ohms: float = _value(2e-3, "Ohm", "Resistance from the sense point to the transistors.")
    floor_v: float = _value(0.565, "V", "Memory hold voltage at 25 degC and above: less fails at any clock.")
    floor_slope_v_per_k: float = _value(0.2e-3, "", "How much the floor rises a kelvin below 25 degC, V/K.")
    ceiling_v: float = _value(1.0, "V", "Voltage above which logic fails at any clock.")
    idle_v: float = _value(0.030, "V", "How much less voltage idle code needs than a self-test.")

    edge_v: float = _value(2e-3, "V", "Scale of the logistic noise of the edge.")
    lapse: float = _value(2e-3, "", "Share of tests that draw from the wide noise, to either side of the edge.")
    lapse_v: float = _value(0.020, "V", "Half width of the wide noise.")
    hysteresis_v: float = _value(0.010, "V", "How much more voltage a boot needs than a running chip.")
    second_cycle: float = _value(0.03, "", "Share of hangs that need two power cycles.")
    hole_hz: float = _value(0.0, "Hz", "Centre clock of a hole in the passing region.")
    hole_v: float = _value(0.0, "V", "Centre voltage of the hole.")
    hole_width_hz: float = _value(0.0, "Hz", "Width of the hole; 0 is none.")
    hole_width_v: float = _value(0.0, "V", "Height of the hole.")

    part_v: float = _value(0.010, "V", "Standard deviation of Vmin within a lot; draws are cut at 3 sigma.")
    lot_v: float = _value(0.008, "V", "Standard deviation of Vmin between lots; draws are cut at 3 sigma.")
    floor_part_v: float = _value(0.006, "V", "Standard deviation of the floor; draws are cut at 3 sigma.")
    outliers: float = _value(0.02, "", "Share of outlier parts.")
    outlier_v: float = _value(0.040, "V", "How much more voltage an outlier needs.")
    drift_v: float = _value(0.3e-3, "V", "Random walk of Vmin in an hour.")

    switched_f: float = _value(1.833e-9, "F", "Capacitance switched a clock at activity 1.")
    static_amps: float = _value(0.25, "A", "Current of the core at nominal voltage that no clock or heat changes.")
    leak_amps: float = _value(0.04, "A", "Leakage of a typical part at 0.75 V and 85 degC.")
    leak_volts: float = _value(0.22, "V", "Voltage over which leakage grows e-fold.")
    leak_kelvin: float = _value(28.5, "K", "Temperature over which leakage grows e-fold.")
    leak_sigma: float = _value(0.25, "", "Standard deviation of log leakage.")
    leak_speed: float = _value(0.7, "", "Correlation of leakage with speed.")
    idle: float = _value(0.1, "", "Activity of a booted chip that runs no test.")
    booting: float = _value(0.3, "", "Activity while booting.")

    die_k_per_w: float = _value(1.0, "", "Thermal resistance from die to sink, K/W.")
    sink_k_per_w: float = _value(2.5, "", "Thermal resistance from sink to air, K/W.")
    die_j_per_k: float = _value(3.0, "", "Heat capacity of the die, J/K: its time constant is about 3 s.")
    sink_j_per_k: float = _value(70.0, "", "Heat capacity of sink and board, J/K: about 175 s.")
    trip_degc: float = _value(125.0, "degC", "Die temperature at which the chip switches itself off until a cycle.")
    sensor_offset_k: float = _value(1.5, "K", "Standard deviation of the die sensor's offset between parts.")
    sensor_noise_k: float = _value(0.2, "K", "Noise of the die sensor.")
    sensor_step_k: float = _value(0.5, "K", "Resolution of the die sensor.")

    def __post_init__(self) -> None:
        object.__setattr__(self, "banner", tuple(self.banner))
        for name in ("fmax_hz", "boot_hz", "nominal_v", "edge_v", "leak_volts", "leak_kelvin", "discharge_s",
                     "die_k_per_w", "sink_k_per_w", "die_j_per_k", "sink_j_per_k", "sensor_step_k", "boot_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive")
        if not self.alpha > 1:
            raise ValueError("alpha must be above 1")
        if not 0.05 <= self.vth_v < 0.75:
            raise ValueError("vth_v must lie between 0.05 V and 0.75 V")
        if not 0 < self.reset_v < self.power_good_v < self.nominal_v:
            raise ValueError("reset_v, power_good_v and nominal_v must rise in this order")
        if not (0 <= self.lapse < 1 and 0 <= self.second_cycle <= 1 and 0 <= self.outliers <= 1):
            raise ValueError("lapse, second_cycle and outliers are shares between 0 and 1")
        if not abs(self.leak_speed) <= 1:
            raise ValueError("leak_speed is a correlation between -1 and 1")
        for rail, volts in self.other_volts.items():
            if not volts > 0 or rail == self.core_rail:
                raise ValueError(f"other_volts of rail {rail} must be positive, and not of the core rail")
