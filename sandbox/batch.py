"""Contract v1 `batch`: the label maps are taken from /output when the container has gone."""

from __future__ import annotations

import dataclasses
from typing import Any

from sandbox.errors import shown
from sandbox.program import Questions, Result, Run
from sandbox.protocol import MAX_RESPONSE_BYTES
from sandbox.verdicts import BadOutput, Code, verdict
from sandbox.volumes import OutputVolume

_NO_REASON_TO_STOP = {Code.OK, Code.NO_OUTPUT, Code.PIDS_LIMIT, Code.DISK_LIMIT}


def read_output(result: Result, questions: Questions, how: Run, output: OutputVolume) -> Result:
    """Takes the label maps of a batch run, and gives the verdict anew.

    Raises:
        SandboxUnavailable: the engine failed.
    """
    is_full = output.is_full()
    result = _judged(result, output_over=is_full and result.seen.exit_code != 0)
    if not set(result.verdict.flags) <= _NO_REASON_TO_STOP:
        return result  # what it wrote before it failed is no result
    wanted = {f"{i + 1:06d}.png": i for i in range(questions.total)}
    done = 0
    bad: BadOutput | None = None
    for name, content in output.files(MAX_RESPONSE_BYTES):
        index = wanted.pop(name, None)
        if index is None:
            said = isinstance(content, bytes)
            bad = bad or BadOutput(0, f"{shown(f'/output/{name}')} was not asked for" if said else str(content))
            continue
        reason = questions.accept(index, content) if isinstance(content, bytes) else str(content)
        if reason is not None:
            bad = bad or BadOutput(index + 1, reason)
        else:
            done += 1
            how.on_progress(done)
    if bad is None and done and wanted:
        missing = min(wanted)
        bad = BadOutput(wanted[missing] + 1, f"/output/{missing} is missing")
    return _judged(result, images_done=done, bad_output=bad, output_over=is_full and done < questions.total)


def _judged(result: Result, **facts: Any) -> Result:
    """The same result with more facts known."""
    seen = dataclasses.replace(result.seen, **facts)
    return dataclasses.replace(result, seen=seen, verdict=verdict(seen))
