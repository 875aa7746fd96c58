"""The same bench served: a map of addresses, and a bench file that loads and means the same wiring."""

from __future__ import annotations

from pathlib import Path

from labkit.bench.load import load_bench
from labkit.bench.served import MAP_FORMAT, ServedBench


def test_the_map_and_the_bench_file_name_every_twin(tmp_path: Path) -> None:
    bench = load_bench("duo")
    served = ServedBench(bench, seed=1, time_scale=10.0, duts={"A": "SIM-A"})
    try:
        where = served.map()
        assert (where["format"], where["time_scale"]) == (MAP_FORMAT, 10.0)
        models = where["models"]
        assert set(models) == {"keysight-e36312a", "keysight-e36312a#2", "watlow-f4t", "board-console"}
        assert models["keysight-e36312a"]["instrument"] == "psu_a"
        assert models["keysight-e36312a"]["load_ohms"] == {"3": 10.0}
        assert models["watlow-f4t"]["unit"] == 1
        assert models["board-console"]["prompt"] == "# "
        path = tmp_path / "live.yaml"
        path.write_text(served.bench_text(), encoding="utf-8")
        live = load_bench(str(path))
        assert live.file.simulated
        assert live.file.time_scale == 10.0
        assert list(live.file.sites) == ["A"]  # a site without a board is not served
        assert live.file.sites["A"].rails["core"].leads == bench.file.sites["A"].rails["core"].leads
        assert live.file.instruments["psu_a"].resource == models["keysight-e36312a"]["visa"]
    finally:
        served.close()
