"""docs/baselines.md: up to date, and honest about what was not run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from baselines import shipped, tables


def test_the_page_in_the_repository_is_what_make_tables_writes() -> None:
    page = (tables.DOCS / "baselines.md").read_text(encoding="utf-8")
    assert page == tables.text(), "run `make tables` and commit docs/baselines.md"


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("WEIGHTS", "RESULTS"):
        monkeypatch.setattr(shipped, name, tmp_path / name)
        (tmp_path / name).mkdir()
    monkeypatch.setattr(shipped, "LATENCY", tmp_path / "latency.json")
    return tmp_path


def trained(results: Path, network: str, miou: float, seed: int = 1, **changes: Any) -> None:
    training = {
        "recipe": "modern", "seed": seed, "epochs": 9, "finished_epochs": 9, "minutes": 7.0, "device": "GPU",
        "commit": "0123456789", **changes,
    }  # fmt: skip
    record = {"network": network, "training": training, "idd_lite_val": {"miou": miou}, "curve": [[1, 30.0], [7, 50.0]]}
    (results / "RESULTS" / f"{network}-{seed}.json").write_text(json.dumps(record))


def row(page: str, network: str, heading: str = "## Table") -> list[str]:
    part = page[page.index(heading) :]
    return [cell.strip() for cell in next(line for line in part.splitlines() if f"`{network}`" in line).split("|")]


@pytest.mark.parametrize(
    ("scores", "shown", "status"),
    [
        ([], "", "not run (no GPU)"),
        ([0.6614], "**66.14**", "reproduced"),
        ([0.6520], "**65.20**", "reproduced"),
        ([0.6513], "**65.13**", "not reached"),
        ([0.66, 0.67, 0.68], "**67.00 ± 1.00**", "reproduced"),
    ],
)
def test_a_row_shows_our_score_and_its_status(scores: list[float], shown: str, status: str, results: Path) -> None:
    for seed, score in enumerate(scores, start=1):
        trained(results, "erfnet", score, seed)
    page = tables.table_3_4()
    cells = [c.strip() for c in next(x for x in page.splitlines() if "`erfnet`" in x and "| modern" in x).split("|")]
    assert cells[2:8] == ["66.14", "not said", "673/110", "modern", shown, status]


def test_unfinished_trainings_are_no_result(results: Path) -> None:
    trained(results, "erfnet", 0.7, finished_epochs=8)
    assert tables.ours() == {}


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ((0.6, 0.5, 0.4, 0.3), "Not decided yet"),
        ((0.6, 0.5, 0.4, 0.3, 0.2), "**reproduced**"),
        ((0.6, 0.5, 0.4, 0.3, 0.35), "**another one**"),
    ],
)
def test_the_order_of_table_4_2_is_judged_when_all_five_are_there(
    scores: tuple[float, ...], words: str, results: Path
) -> None:
    for network, score in zip(tables.TABLE_4_2, scores, strict=False):
        trained(results, network, score)
    assert words in tables.table_4_2()


def test_latency_is_shown_with_its_machine_and_never_called_reproduced(results: Path) -> None:
    assert "Not run yet" in tables.table_3_5()
    found = {
        "name": "erfnet", "base": "pytorch", "cpus": 1, "memory_mib": 1024, "verdict": "OK", "trained": False,
        "input": "224 x 320", "median_ms": 81.0, "p90_ms": 90.0, "peak_mib": 200.0, "machine": "X", "load_average": 0.1,
    }  # fmt: skip
    (results / "latency.json").write_text(json.dumps([found, {**found, "base": "onnx"}]))
    page = tables.table_3_5()
    assert row(page, "erfnet")[2:7] == ["1.12", "pytorch", "1", "224 x 320", "0.081"]
    assert page.count("not comparable, untrained weights") == 1
    assert page.count("ours only, untrained weights") == 1


def test_curves_are_drawn_where_there_are_any(results: Path) -> None:
    assert tables.training_curves() == ""
    trained(results, "unet", 0.6)
    (results / "docs" / "images").mkdir(parents=True)
    tables.write(results / "docs")
    assert "unet, modern" in (results / "docs" / tables.CURVES).read_text()
    assert "Figure 3.9" in (results / "docs" / "baselines.md").read_text()
