"""Training: resuming is exact, stopping is clean, four images can be learnt."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from baselines import config as configuration
from baselines import curves, fleet, run, speed, train, travel
from baselines.config import ConfigError
from baselines.data import Bank, class_shares
from baselines.losses import class_weights
from baselines.run import Run
from baselines.scoring import score
from baselines.train import Clock, Sources
from tests.baselines.scenes import scenes

SMALL = configuration.parse(
    {
        "name": "dws_g8", "recipe": "modern", "epochs": 3, "height": 32, "width": 64, "batch": 4, "threads": 1,
        "drawn_scenes": 8, "drawn_per_epoch": 4, "warmup_epochs": 1.0, "evaluate_every": 2,
    }
)  # fmt: skip
TINY = (
    'name = "dws_g8"\nrecipe = "quick"\nepochs = 1\ndrawn_scenes = 4\ndrawn_per_epoch = 4\nbatch = 4\n'
    "height = 32\nwidth = 64\n"
)


@pytest.fixture(scope="module")
def sources() -> Sources:
    return Sources(real=scenes(8, 1), drawn=scenes(8, 2), val=scenes(3, 3))


def quiet(line: str) -> None:
    pass


class StepsClock(Clock):
    """Over after so many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.asked, self.steps = 0, steps

    @property
    def over(self) -> bool:
        self.asked += 1
        return self.asked > self.steps


def assert_same(whole: Run, parts: Run) -> None:
    for mine, other in ((whole.model, parts.model), (whole.average, parts.average), (whole.head, parts.head)):
        for key, value in mine.state_dict().items():
            assert torch.equal(value, other.state_dict()[key]), key

    def seen(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{k: v for k, v in entry.items() if k != "seconds"} for entry in log]

    assert seen(parts.log) == seen(whole.log)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("erfnet_compressed", {}),
        ("dws_g8", {}),
        ("unet", {"epochs": 2}),
        ("dws_g8", {"optimizer": "adam", "schedule": "poly", "classes": 8, "ema": 0.0, "precision": "fp32"}),
    ],
)
def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(
    name: str, changes: dict[str, Any], sources: Sources, tmp_path: Path
) -> None:
    """Stopped once within an epoch and once at an epoch's end, which has three steps."""
    config = dataclasses.replace(SMALL, name=name, **changes)
    whole = train.train(config, sources, tmp_path / "whole", say=quiet)
    said: list[str] = []
    for steps in (2, 1):
        parts = train.train(config, sources, tmp_path / "parts", True, said.append, clock=StepsClock(steps))
        assert parts.epoch < config.epochs
    parts = train.train(config, sources, tmp_path / "parts", resume=True, say=said.append)
    assert_same(whole, parts)
    assert "going on after epoch 0 and 2 steps" in said
    assert "stopped after epoch 0 of" in said[0]
    kept = json.loads((tmp_path / "parts" / "log.json").read_text())
    assert [entry["epoch"] for entry in kept] == list(range(1, config.epochs + 1))
    assert (tmp_path / "parts" / "curve.svg").read_text().startswith("<svg")


def test_killed_between_two_steps_it_goes_on_from_the_last_epoch(sources: Sources, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def die_after_one(line: str) -> None:
        if line.startswith("epoch 1/"):
            raise Killed

    whole = train.train(SMALL, sources, tmp_path / "whole", say=quiet)
    with pytest.raises(Killed):
        train.train(SMALL, sources, tmp_path / "parts", say=die_after_one)
    assert_same(whole, train.train(SMALL, sources, tmp_path / "parts", resume=True, say=quiet))


def test_a_checkpoint_of_another_configuration_is_refused(sources: Sources, tmp_path: Path) -> None:
    train.train(dataclasses.replace(SMALL, epochs=1), sources, tmp_path, say=quiet)
    with pytest.raises(ConfigError, match="another epochs, seed"):
        train.train(dataclasses.replace(SMALL, epochs=2, seed=5), sources, tmp_path, resume=True, say=quiet)


def test_an_untrained_network_is_poor_and_four_images_are_learnt() -> None:
    config = dataclasses.replace(
        SMALL, name="erfnet_compressed", epochs=60, scale_min=1.0, scale_max=1.0, flip=0.0, jitter=0.0, dropout=0.0,
        rare_crops=0.0, rotate=0.0, blur=0.0, cutmix=0.0, precision="fp32", learning_rate=5e-3, ema=0.9, height=64,
        width=128,
    )  # fmt: skip
    four = scenes(4, 4)
    torch.set_num_threads(1)
    learner = Run.start(config)
    assert score(learner.average, four, config).miou < 0.15
    bank, weights = Bank.of(four, None, learner.device), class_weights(class_shares([four]), config.class_weights)
    for _ in range(config.epochs):
        assert train.train_epoch(learner, bank, weights, Clock(), quiet, learner.model.both)
    assert score(learner.average, four, config).miou > 0.45


def test_a_loss_that_is_no_number_ends_the_training_and_keeps_the_last_checkpoint(
    sources: Sources, tmp_path: Path
) -> None:
    train.train(dataclasses.replace(SMALL, epochs=2), sources, tmp_path, say=quiet, clock=StepsClock(4))
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    state["model"]["encoder.0.conv.weight"].fill_(float("nan"))
    torch.save(state, tmp_path / "checkpoint.pt")
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(FloatingPointError, match=r"epoch 2: lower learning_rate, or use fp32"):
        train.train(dataclasses.replace(SMALL, epochs=2), sources, tmp_path, resume=True, say=quiet)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_too_few_images_for_a_batch_is_said(sources: Sources, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="batch is 64, but there are only 12 training images"):
        train.train(dataclasses.replace(SMALL, batch=64), sources, tmp_path, say=quiet)


def test_a_seed_means_the_same_start_and_another_one_another() -> None:
    def first(seed: int) -> torch.Tensor:
        return Run.start(dataclasses.replace(SMALL, seed=seed)).model.get_parameter("encoder.0.conv.weight")

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))


@pytest.mark.parametrize(
    ("schedule", "warmup", "expected"),
    [
        ("cosine", 2.0, {0.0: 0.05, 2.0: 1.0, 6.0: 0.5, 10.0: 0.0}),
        ("poly", 0.0, {0.0: 1.0, 0.9: 1.0, 5.5: 0.5**0.9, 9.9: 0.1**0.9}),
        ("constant", 0.0, {0.0: 1.0, 9.9: 1.0}),
    ],
)
def test_schedules(schedule: str, warmup: float, expected: dict[float, float]) -> None:
    config = dataclasses.replace(SMALL, epochs=10, warmup_epochs=warmup, learning_rate=1.0, schedule=schedule)
    for epoch, rate in expected.items():
        assert run.learning_rate(config, epoch) == pytest.approx(rate), epoch


def test_the_average_forgets_the_start_and_follows_at_once_where_there_is_none() -> None:
    model, average = torch.nn.BatchNorm2d(2), torch.nn.BatchNorm2d(2)
    torch.nn.init.constant_(model.weight, 3.0)
    model.num_batches_tracked += 7
    run.follow(average, model, 0.9, step=0)
    assert average.weight.tolist() == pytest.approx([2.8, 2.8])  # a tenth of the start's 1 remains
    assert average.num_batches_tracked == 7
    run.follow(average, model, 0.0, step=100)
    assert average.weight.tolist() == [3.0, 3.0]


def test_travelling_runs_arrive_whole_or_as_outcomes(sources: Sources, tmp_path: Path) -> None:
    done = dataclasses.replace(SMALL, epochs=1)
    for name, config in (("done", done), ("small", SMALL)):
        train.train(config, sources, tmp_path / name, say=quiet, clock=StepsClock(4))
    runs = [tmp_path / "done", tmp_path / "small"]
    lines = travel.pack(runs, tmp_path / "out", part=700_000)
    assert lines == ["done: epoch 1 of 1, its outcome", "small: epoch 1 of 3, the whole checkpoint"]
    parts = sorted((tmp_path / "out").iterdir())
    assert len(parts) > 3
    assert all(path.stat().st_size <= 700_000 for path in parts)
    assert travel.unpack(tmp_path / "out", tmp_path / "there") == ["done", "small"]
    outcome = torch.load(tmp_path / "there" / "done" / "checkpoint.pt", weights_only=True)
    assert set(outcome) == {"config", "sources", "code", "device", "epoch", "log", "average"}
    whole = train.train(SMALL, sources, tmp_path / "small", resume=True, say=quiet)
    assert_same(whole, train.train(SMALL, sources, tmp_path / "there" / "small", resume=True, say=quiet))
    with pytest.raises(ConfigError, match="travelled without its optimizer"):
        train.train(done, sources, tmp_path / "there" / "done", resume=True, say=quiet)


def test_parts_that_are_missing_or_damaged_are_named(sources: Sources, tmp_path: Path) -> None:
    train.train(dataclasses.replace(SMALL, epochs=1), sources, tmp_path / "run", say=quiet)
    travel.pack([tmp_path / "run"], tmp_path / "out", part=300_000)
    parts = sorted((tmp_path / "out").iterdir())
    kept = parts[0].read_bytes()
    parts[0].write_bytes(bytes(len(kept)))
    with pytest.raises(travel.CannotTravel, match="damaged on their way"):
        travel.unpack(tmp_path / "out", tmp_path / "there")
    parts[0].unlink()
    with pytest.raises(travel.CannotTravel, match=f"lacks {parts[0].name}"):
        travel.unpack(tmp_path / "out", tmp_path / "there")
    with pytest.raises(travel.CannotTravel, match="pack fewer runs at once"):
        travel.pack([tmp_path / "run"], tmp_path / "out", total=1000)


def test_curves_are_of_time_and_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = [{"seconds": 60}, {"seconds": 60, "miou": 0.5}, {"seconds": 30, "miou": 0.6}]
    assert curves.points(log) == [(2.0, 50.0), (2.5, 60.0)]
    (tmp_path / "erfnet").mkdir()
    (tmp_path / "erfnet" / "log.json").write_text(json.dumps(log))
    assert curves.main([str(tmp_path / "erfnet"), "--out", str(tmp_path / "c.svg")]) == 0
    assert "erfnet" in (tmp_path / "c.svg").read_text()
    assert curves.main([str(tmp_path / "nothing")]) == 1
    assert "is this a run" in capsys.readouterr().err


@pytest.fixture
def without_idd_lite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IDD_LITE", raising=False)


@pytest.mark.usefixtures("without_idd_lite")
def test_the_command_trains_on_drawn_scenes_alone_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "tiny.toml"
    config.write_text(TINY)
    command = [str(config), "--runs", str(tmp_path / "runs")]
    assert train.main([*command, "--epochs", "2", "--minutes", "0"]) == train.UNFINISHED
    assert train.main([*command, "--epochs", "2", "--resume"]) == 0
    out = capsys.readouterr().out
    assert "training on drawn scenes only" in out
    assert out.count("drawing 4 scenes") == 1
    assert (tmp_path / "runs" / "dws_g8-quick" / "checkpoint.pt").exists()


@pytest.mark.usefixtures("without_idd_lite")
@pytest.mark.parametrize(
    ("text", "more"),
    [
        ('name = "nobody"\nrecipe = "modern"\nepochs = 1\n', []),
        ("nonsense = 1\n", []),
        ('name = "erfnet"\nrecipe = "notebook"\n', []),  # on nothing
        *([(TINY, ["--device", "cuda"])] if not torch.cuda.is_available() else []),
    ],
)
def test_the_command_ends_with_a_clear_error(
    text: str, more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "bad.toml"
    config.write_text(text)
    assert train.main([str(config), "--runs", str(tmp_path), *more]) == 1
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.usefixtures("without_idd_lite")
def test_a_fleet_trains_side_by_side_and_packs_what_came_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = tmp_path / "configs"
    configs.mkdir()
    (configs / "dws_g8.toml").write_text(TINY)
    monkeypatch.setattr(fleet, "CONFIGS", configs)
    command = ["--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "out"), "--minutes", "1"]
    assert fleet.main(["dws_g8", "dws_g8:quick:2", *command]) == 0
    out = capsys.readouterr().out
    assert "[dws_g8-quick-seed2] IDD-lite is not there" in out
    assert travel.unpack(tmp_path / "out", tmp_path / "there") == ["dws_g8-quick", "dws_g8-quick-seed2"]
    assert fleet.main(["dws_g9", *command]) == 1
    assert "NAME one of dws_g8" in capsys.readouterr().err


def test_speed_is_measured_for_each_network_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert speed.main(["dws_g8", "--recipe", "quick", "--seconds", "0.1", "--device", "cpu"]) == 0
    assert "min for 28 epochs" in capsys.readouterr().out
