"""Run one untrusted container: create, start, talk, wait, kill, collect, remove. Always remove.

What the container does is a result and comes back with a verdict; only what we or the engine fail at is an exception.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import tempfile
import time

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from sandbox.channel import Channel
from sandbox.container import create_container
from sandbox.conversation import Conversation
from sandbox.engine import connect, engine_errors
from sandbox.errors import SandboxUnavailable
from sandbox.images import UPLOADS
from sandbox.limits import Limits
from sandbox.meter import cgroup_parent, cgroups_left, open_meter, remove_cgroups
from sandbox.program import Program, Questions, Result, Run
from sandbox.protocol import MAX_RESPONSE_BYTES
from sandbox.verdicts import BadOutput, Code, verdict
from sandbox.volumes import LABEL, OutputVolume, input_volume, output_volume, pack

EXIT_GRACE_SECONDS = 2.0
"""How long a container that closed its streams may take to be gone before that counts as hanging."""

KILL_SECONDS = 30.0
"""How long the engine may take to report a killed container as gone."""


def run(program: Program, limits: Limits, questions: Questions, how: Run) -> Result:
    """Runs one container under `limits` and says what happened. Leaves nothing behind.

    Raises:
        SandboxUnavailable: the engine failed; the run says nothing about the submission.
        BadImage: the engine has no such image, or it names nothing to run.

    Nothing else of its own: whatever the container does is in the result. Exceptions of `questions` and of the
    callbacks pass through, after the container is removed.
    """
    client = connect()
    with contextlib.ExitStack() as stack:
        stack.callback(client.close)
        binds: dict[str, dict[str, str]] = {}
        if program.files is not None:
            name = stack.enter_context(input_volume(client, how.id, "code", program.files))
            binds[name] = {"bind": "/submission", "mode": "ro"}
        if how.contract == "stream":
            return _run_container(client, program, limits, questions, how, binds)
        images = stack.enter_context(tempfile.TemporaryFile(prefix="parakh-images-"))
        pack(((f"{i + 1:06d}{questions.suffix}", questions.read(i)) for i in range(questions.total)), images)
        binds[stack.enter_context(input_volume(client, how.id, "images", images))] = {
            "bind": "/input",
            "mode": "ro",
        }
        output = stack.enter_context(output_volume(client, how.id, limits))
        binds[output.name] = {"bind": "/output", "mode": "rw,nocopy"}  # nothing of the image's own /output
        return _read_output(_run_container(client, program, limits, questions, how, binds), questions, how, output)


def _run_container(
    client: docker.DockerClient,
    program: Program,
    limits: Limits,
    questions: Questions,
    how: Run,
    binds: dict[str, dict[str, str]],
) -> Result:
    parent = cgroup_parent(client, how.id)
    container = create_container(client, program, limits, questions, how, binds, parent)
    meter = open_meter(client, str(container.id), parent)
    channel = None
    try:
        channel = Channel(client, str(container.id))
        started = time.monotonic()
        talk = Conversation(how, limits, questions, meter, started)
        start_failed = _start(container)
        if start_failed is None:
            talk.hold(channel)
            _end(container, talk, channel)
        total_seconds = time.monotonic() - started
        usage = talk.usage.highest(meter.read())
        with engine_errors("asking how the container ended"):
            container.reload()
            engine = _facts(client)
        state = container.attrs["State"]
        seen = dataclasses.replace(
            talk.seen,
            start_failed=start_failed,
            exit_code=None if start_failed else state["ExitCode"],
            # The engine's flag catches a kill too quick to be sampled; alone, an exit code of 137 proves nothing.
            oom_kills=max(usage.oom_kills, int(bool(state.get("OOMKilled")))),
            # The count of refusals goes with the container on cgroup v1, and a bomb may be over between two samples;
            # the parent's peak stays.
            pids_refused=max(usage.pids_refused, int(usage.pids_peak >= limits.pids)),
            wall_seconds=total_seconds,
            cpu_seconds=usage.cpu_seconds,
            memory_peak_bytes=usage.memory_bytes,
            log_bytes=talk.log.total,
        )
        return Result(
            verdict=verdict(seen),
            seen=seen,
            start_seconds=None if talk.ready_at is None else talk.ready_at - started,
            answering_seconds=(
                talk.last_answered_at - talk.first_asked_at
                if talk.last_answered_at is not None and talk.first_asked_at is not None
                else None
            ),
            latencies=tuple(talk.latencies),
            throttled_seconds=usage.throttled_seconds,
            log=talk.log.value(),
            engine=engine,
        )
    finally:
        if channel is not None:
            channel.close()
        try:
            with engine_errors("removing the container"):
                container.remove(force=True, v=True)
        finally:
            meter.close()


def _start(container: Container) -> str | None:
    """Starts the container; returns why its command can't be started, if that is the image's fault."""
    try:
        with engine_errors("starting the container"):
            container.start()
    except SandboxUnavailable as error:
        cause = error.__cause__
        # 126 and 127 in the state, or a 400: the runtime found no such command, or may not execute it.
        if isinstance(cause, APIError):
            with engine_errors("asking why the container did not start"):
                container.reload()
            if cause.status_code == 400 or container.attrs["State"]["ExitCode"] in (126, 127):
                return _last_words(str(cause.explanation or cause))
        raise
    return None


def _last_words(explanation: str) -> str:
    """The runtime's own reason, without the chain of programs that passed it on."""
    reason = re.split(r"start(?:ing)? container process(?: caused)?: ", explanation.strip())[-1]
    reason = re.sub(r"/\S*/(?:merged|rootfs)(?=/)", "", reason)  # where the engine keeps it is nobody's business
    return reason[:300].removesuffix(": unknown").rstrip(": ")


def _end(container: Container, talk: Conversation, channel: Channel) -> None:
    """Waits for the container to be gone; kills it where it has to be ended or does not go."""
    patience = time.monotonic() + EXIT_GRACE_SECONDS
    while not talk.must_end and _is_running(container):
        now = time.monotonic()
        talk.watch(now)
        if talk.seen.images_done < talk.seen.images_total and talk.run.contract == "stream" and now > patience:
            talk.seen = dataclasses.replace(talk.seen, protocol_error="it closed its stdout and went on running")
            talk.must_end = True
        time.sleep(0.02)
    if talk.must_end:
        # It may have ended by itself in the meantime; then its exit code is the true one.
        talk.seen = dataclasses.replace(talk.seen, stopped_by_us=_is_running(container))
        # While output nobody reads fills the stream, the engine can't report an end: a kill hung for 60 s.
        channel.close()
        _kill(container)
        deadline = time.monotonic() + KILL_SECONDS
        while _is_running(container):
            if time.monotonic() > deadline:
                raise SandboxUnavailable(f"the engine did not end a container within {KILL_SECONDS:g} s of its kill")
            time.sleep(0.02)


def _kill(container: Container) -> None:
    """SIGKILL, unless it is gone already."""
    try:
        with engine_errors("killing a container"):
            container.kill("SIGKILL")
    except SandboxUnavailable as error:
        if not (isinstance(error.__cause__, APIError) and error.__cause__.status_code in (404, 409)):
            raise


def _is_running(container: Container) -> bool:
    with engine_errors("asking whether the container runs"):
        container.reload()
    return bool(container.attrs["State"]["Running"])


def _read_output(result: Result, questions: Questions, how: Run, output: OutputVolume) -> Result:
    """Takes the label maps of a batch run, and gives the verdict anew."""
    if not set(result.verdict.flags) <= {Code.OK, Code.NO_OUTPUT, Code.PIDS_LIMIT, Code.DISK_LIMIT}:
        return result  # what it wrote before it failed is no result
    wanted = {f"{i + 1:06d}.png": i for i in range(questions.total)}
    done = 0
    bad: BadOutput | None = None
    for name, content in output.files(MAX_RESPONSE_BYTES):
        index = wanted.pop(name, None)
        if index is None:
            said = isinstance(content, bytes)
            bad = bad or BadOutput(0, f"/output/{name[:80]!r} was not asked for" if said else str(content))
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
    seen = dataclasses.replace(result.seen, images_done=done, bad_output=bad)
    return dataclasses.replace(result, seen=seen, verdict=verdict(seen))


def _facts(client: docker.DockerClient) -> dict[str, str | int | float]:
    info = client.info()
    return {
        "engine": str(info.get("ServerVersion", "?")),
        "kernel": str(info.get("KernelVersion", "?")),
        "system": str(info.get("OperatingSystem", "?")),
        "architecture": str(info.get("Architecture", "?")),
        "cores": int(info.get("NCPU", 0)),
        "memory_bytes": int(info.get("MemTotal", 0)),
        "cgroup_version": str(info.get("CgroupVersion", "1")),
    }


def sweep(prefix: str, live: set[str]) -> list[str]:
    """Removes what dead workers left behind: containers, volumes, images and cgroups of runs that are not in `live`.

    Args:
        prefix: of the run ids to look at. Others on the same engine (another site, a local evaluation) are let be.
        live: run ids that somebody still works on.

    Returns:
        What was removed, for the log.

    Raises:
        SandboxUnavailable: the engine failed.
    """
    client = connect()
    removed = []

    def is_left_over(run_id: str) -> bool:
        return run_id.startswith(prefix) and run_id not in live

    with contextlib.closing(client), engine_errors("sweeping up after dead workers"):
        for container in client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True):
            if is_left_over(container.labels[LABEL]):
                with contextlib.suppress(NotFound):  # another worker may sweep at the same time
                    container.remove(force=True, v=True)
                    removed.append(f"container {container.name}")
        for volume in client.volumes.list(filters={"label": LABEL}):
            if is_left_over(volume.attrs["Labels"][LABEL]):
                with contextlib.suppress(NotFound):
                    volume.remove(force=True)
                    removed.append(f"volume {volume.name}")
        for image in client.images.list(UPLOADS):
            for tag in image.tags:
                if tag.startswith(f"{UPLOADS}:") and is_left_over(tag.removeprefix(f"{UPLOADS}:")):
                    with contextlib.suppress(NotFound):
                        client.images.remove(tag)
                        removed.append(f"image {tag}")
    for run_id in cgroups_left():
        if is_left_over(run_id) and remove_cgroups(run_id):
            removed.append(f"cgroup of {run_id}")
    return removed
