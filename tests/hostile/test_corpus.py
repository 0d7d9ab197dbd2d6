"""Every case of the corpus against the real engine; after each, nothing is left and the next good submission is OK."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import Code, SandboxUnavailable
from sandbox.engine import connect
from tests.hostile.cases import ALL, Case, Runtime, load_cases
from tests.hostile.host import Host, peak_memory
from tests.hostile.trials import Trials

pytestmark = pytest.mark.docker

SAMPLE = 8

WORKER_MEMORY = 64 * 1024**2
"""What a worker may grow by while a case runs, whatever it is sent."""


def engine_runtimes() -> set[str]:
    """Names of the runtimes this engine has; only runc where no engine answers (and then the tests say so)."""
    try:
        client = connect()
    except SandboxUnavailable:
        return {"runc"}
    try:
        return {"runc", *client.info().get("Runtimes", {})}
    finally:
        client.close()


def trials_to_run() -> list[tuple[Case, Runtime]]:
    """Each case on each of its runtimes that this engine has and that the case is not left out of.

    `make test` takes all of them on runc, and on runsc those that differ and a sample of the others, which are slower
    there; `make hostile` takes all.
    """
    here = engine_runtimes()
    trials = [
        (case, runtime)
        for case in load_cases()
        for runtime, expected in case.expected.items()
        if runtime in here and not expected.left_out
    ]
    if os.environ.get(ALL):
        return trials
    as_on_runc = [trial for trial in trials if trial[1] == "runsc" and not trial[0].expected["runsc"].why]
    left_out = set(map(id, as_on_runc)) - set(map(id, as_on_runc[::SAMPLE]))
    return [trial for trial in trials if id(trial) not in left_out]


@pytest.mark.parametrize(
    ("case", "runtime"), [pytest.param(*each, id=f"{each[0].id}-{each[1]}") for each in trials_to_run()]
)
def test_case(
    case: Case,
    runtime: Runtime,
    trials: Trials,
    host: Host,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    expected = case.expected[runtime]
    record_property("case", case.id)
    record_property("runtime", runtime)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    before = host.look()
    for seen in trials.run(case, runtime):
        record_property("seen", seen.verdict)
        assert seen.verdict == expected.expect, f"{seen.sentence}\n{seen.log[-2000:]}"
        for words in expected.says:
            assert words in seen.sentence
        for words in expected.log:
            assert words in seen.log
        assert len(seen.sentence) < 700
    grown = peak_memory() - before.memory
    assert grown < WORKER_MEMORY, f"the worker grew by {grown >> 20} MiB"
    good = trials.good(runtime)
    assert good.verdict == Code.OK, f"the next good submission: {good.sentence}"
    assert host.left(before, trials.ids, trials.images, scratch) == []
