"""Run time by layer, and latency in the container."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from baselines import latency, profile, shipped
from baselines.models import NETWORKS


@pytest.mark.parametrize(("name", "count"), [("erfnet", 23), ("drn_d_22", 15), ("unet", 8)])
def test_a_profile_names_each_block_and_adds_up(name: str, count: int) -> None:
    total, rows = profile.profile(NETWORKS[name](), 16, 32, repeats=2)
    assert len(rows) == count + 1
    assert rows[-1].name == "between"
    assert sum(row.ms for row in rows) == pytest.approx(total, rel=0.3)
    assert all(row.output for row in rows[:-1])


def test_the_command_prints_draws_and_speaks_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "p.svg"
    size = ["--height", "16", "--width", "32", "--repeats", "1"]
    assert profile.main(["dws_g8", *size, "--out", str(picture)]) == 0
    assert "DepthwiseSeparable" in capsys.readouterr().out
    assert "run time by layer" in picture.read_text()
    assert profile.main(["dws_g8", *size, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["layers"][0]["kind"] == "Down"


@pytest.mark.docker
def test_latency_is_measured_in_containers_of_both_bases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One with weights, one without, which runs untrained; the rows are kept, and replaced by a later run's."""
    monkeypatch.setattr(shipped, "LATENCY", tmp_path / "latency.json")
    assert latency.main(["dws_g8", "--cpus", "1", "--images", "2", "--keep"]) == 0
    assert latency.main(["dws_g2", "--cpus", "1", "--images", "2", "--keep", "--base", "pytorch", "--json"]) == 0
    assert "dws_g8            onnx     1 CPU  128 x 256" in capsys.readouterr().out
    rows = {(row["name"], row["base"]): row for row in shipped.latency()}
    assert set(rows) == {("dws_g8", "onnx"), ("dws_g8", "pytorch"), ("dws_g2", "pytorch")}
    assert not rows["dws_g2", "pytorch"]["trained"]
    assert all(row["verdict"] == "OK" and 0 < row["median_ms"] < 10_000 for row in rows.values())


def test_an_unknown_network_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        latency.main(["dws_g9"])
    assert "no network is called 'dws_g9'; there are: erfnet" in capsys.readouterr().err
