"""Two runs never share a core, whoever dies. Real locks, real containers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from sandbox import SandboxUnavailable, cores
from sandbox.bases import ROOT_IMAGE
from sandbox.cores import CORES_LABEL, Cores, Stopped, parse_cores, reserve
from tests.sandbox.guests import ECHO, TIGHT, Trial

pytestmark = pytest.mark.docker


@pytest.fixture(autouse=True)
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Locks of this test's own, so that the runs of others on this machine do not matter."""
    folder = tmp_path / "locks"
    monkeypatch.setenv("PARAKH_LOCKS", str(folder))
    return folder


@pytest.mark.parametrize(
    ("text", "numbers"), [("0", [0]), ("2-3", [2, 3]), ("0,2-3", [0, 2, 3]), ("3,1-2,2", [1, 2, 3]), (" 1 ,2", [1, 2])]
)
def test_lists_of_cores_are_read(text: str, numbers: list[int]) -> None:
    assert parse_cores(text) == numbers


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "3-2", "1,,2", "0-1-2"])
def test_what_is_no_list_of_cores_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a list of cores"):
        parse_cores(text)


def test_the_highest_core_is_given_first_and_a_taken_one_to_nobody(engine: docker.DockerClient) -> None:
    with reserve(engine, 1, "0-1") as one, reserve(engine, 1, "0-1") as other:
        assert (one.numbers, other.numbers) == ((1,), (0,))
        with pytest.raises(Stopped), reserve(engine, 1, "0-1", should_stop=lambda: True):
            pass
    with reserve(engine, 2, "0-1") as both:
        assert both.cpuset == "0,1"


def test_more_cores_than_there_are_can_never_come(engine: docker.DockerClient) -> None:
    with pytest.raises(SandboxUnavailable, match="ask for 2 cores and runs may use 1"), reserve(engine, 2, "0"):
        pass


def test_who_waits_too_long_is_told(engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "PATIENCE_SECONDS", 0.3)
    with (
        reserve(engine, 1, "0"),
        pytest.raises(SandboxUnavailable, match="let fewer runs go at the same time"),
        reserve(engine, 1, "0"),
    ):
        pass


def test_a_run_that_needs_both_cores_is_not_overtaken(engine: docker.DockerClient) -> None:
    order: list[str] = []

    def take(name: str, count: int) -> None:
        with reserve(engine, count, "0-1"):
            order.append(name)

    with reserve(engine, 1, "0-1"):
        large = threading.Thread(target=take, args=("large", 2))
        large.start()
        time.sleep(0.5)
        small = threading.Thread(target=take, args=("small", 1))
        small.start()
        time.sleep(0.5)
        assert order == [], "the small one took the core the large one waits for"
    large.join(10)
    small.join(10)
    assert order == ["large", "small"]


def test_a_core_is_free_again_when_its_holder_is_killed(engine: docker.DockerClient, locks: Path) -> None:
    code = (
        "import sys, time\nfrom sandbox.cores import reserve\nfrom sandbox.engine import connect\n"
        "with reserve(connect(), 1, '0'): print('mine', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "mine\n"
        with pytest.raises(Stopped), reserve(engine, 1, "0", should_stop=lambda: True):
            pass
        os.kill(holder.pid, signal.SIGKILL)
    with reserve(engine, 1, "0") as free:
        assert free.numbers == (0,)


@pytest.fixture
def orphan(engine: docker.DockerClient, locks: Path) -> Iterator[Container]:
    """A container of a run whose worker was killed: it goes on, and nobody holds its core."""
    with reserve(engine, 1, "0") as mine:
        container = _running(engine, mine)
    yield container
    _discard(container)


def _running(engine: docker.DockerClient, on: Cores, labels: dict[str, str] | None = None) -> Container:
    container = engine.containers.create(
        ROOT_IMAGE,
        ["sleep", "60"],
        name=f"orphan-{uuid.uuid4().hex[:8]}",
        network_mode="none",
        labels=on.label | (labels or {}),
    )
    container.start()
    return container


def _discard(container: Container) -> None:
    try:
        container.remove(force=True)
    except docker.errors.NotFound:
        return


def test_a_container_that_lost_its_worker_gives_up_its_core(engine: docker.DockerClient, orphan: Container) -> None:
    with reserve(engine, 1, "0"), pytest.raises(docker.errors.NotFound):
        orphan.reload()


def test_a_core_on_which_somebody_elses_container_runs_is_left_alone(
    engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PARAKH_LOCKS", str(tmp_path / "another worker's locks"))
    with reserve(engine, 1, "1") as theirs:
        container = _running(engine, theirs)
    try:
        monkeypatch.setenv("PARAKH_LOCKS", str(tmp_path / "locks"))
        with reserve(engine, 1, "0-1") as mine:
            assert mine.numbers == (0,), "core 1 comes first, but a container runs on it"
        container.reload()
        assert container.status == "running"
        assert container.labels[CORES_LABEL].startswith("1 ")
    finally:
        _discard(container)


def test_a_label_that_makes_no_sense_disturbs_nobody(engine: docker.DockerClient) -> None:
    container = _running(engine, Cores((0,), "x"), {CORES_LABEL: "all of them"})
    try:
        with reserve(engine, 1, "0") as mine:
            assert mine.numbers == (0,)
        container.reload()
        assert container.status == "running"
    finally:
        _discard(container)


def test_runs_side_by_side_have_a_core_each(trial: Trial, engine: docker.DockerClient) -> None:
    seen: list[str] = []

    def go() -> None:
        seen.append(str(trial(f"{ECHO}\ntime.sleep(0.5)", TIGHT, cores="0-1").engine["cores_used"]))

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(seen) == ["0", "1"]


def test_a_run_that_is_cancelled_while_it_waits_says_so(trial: Trial, engine: docker.DockerClient) -> None:
    with reserve(engine, 1, "0"):
        waiting: list[float] = []

        def should_stop() -> bool:
            waiting.append(time.monotonic())
            return len(waiting) > 3

        result = trial(ECHO, TIGHT, cores="0", should_stop=should_stop)
    assert result.verdict.code == "CANCELLED"
    assert result.seen.images_done == 0


def test_a_folder_that_cannot_be_made_is_explained(
    engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARAKH_LOCKS", "/proc/locks-of-parakh")
    with pytest.raises(SandboxUnavailable, match="set PARAKH_LOCKS"), reserve(engine, 1):
        pass
