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
from docker.errors import APIError
from docker.models.containers import Container

from sandbox import cgroups, runtimes
from sandbox.batch import read_output
from sandbox.channel import Channel
from sandbox.container import create_container
from sandbox.conversation import Conversation
from sandbox.cores import Cores, Stopped, reserve
from sandbox.engine import connect, engine_errors, patience
from sandbox.errors import SandboxUnavailable
from sandbox.leftovers import end_processes, end_runtime, kill_container, remove_container
from sandbox.limits import Limits
from sandbox.meter import open_meter
from sandbox.program import Program, Questions, Result, Run
from sandbox.verdicts import Observation, verdict
from sandbox.volumes import input_volume, output_volume, pack

EXIT_GRACE_SECONDS = 2.0
"""How long a container that closed its streams may take to be gone before that counts as hanging."""

START_SECONDS = 45.0
"""How long the engine may take to start a container, whatever the limits: a runtime can hang (seen with gVisor)."""


def run(program: Program, limits: Limits, questions: Questions, how: Run) -> Result:
    """Runs one container under `limits` and says what happened. Leaves nothing behind.

    Raises:
        SandboxUnavailable: the engine failed, or the host has not the cores or the runtime that the limits ask for;
            the run says nothing about the submission.
        BadImage: the engine has no such image, or it names nothing to run.

    Nothing else of its own: whatever the container does is in the result. Exceptions of `questions` and of the
    callbacks pass through, after the container is removed.
    """
    client = connect()
    with contextlib.ExitStack() as stack:
        stack.callback(client.close)
        runtimes.require(client, limits)
        try:
            cores = stack.enter_context(reserve(client, limits.cpus, how.cores, how.should_stop))
        except Stopped:
            return _cancelled_while_waiting(limits, questions)
        binds: dict[str, dict[str, str]] = {}
        if program.files is not None:
            name = stack.enter_context(input_volume(client, how.id, "code", program.files))
            binds[name] = {"bind": "/submission", "mode": "ro"}
        if how.contract == "stream":
            return _run_container(client, program, limits, questions, how, binds, cores)
        images = stack.enter_context(tempfile.TemporaryFile(prefix="parakh-images-"))
        pack(((f"{i + 1:06d}{questions.suffix}", questions.read(i)) for i in range(questions.total)), images)
        name = stack.enter_context(input_volume(client, how.id, "images", images))
        binds[name] = {"bind": "/input", "mode": "ro"}
        output = stack.enter_context(output_volume(client, how.id, limits))
        binds[output.name] = {"bind": "/output", "mode": "rw,nocopy"}  # nothing of the image's own /output
        return read_output(
            _run_container(client, program, limits, questions, how, binds, cores), questions, how, output
        )


def _run_container(
    client: docker.DockerClient,
    program: Program,
    limits: Limits,
    questions: Questions,
    how: Run,
    binds: dict[str, dict[str, str]],
    cores: Cores,
) -> Result:
    with contextlib.ExitStack() as stack:
        parent = cgroups.prepare_parent(client, how.id)
        stack.callback(end_processes, how.id)
        container = create_container(client, program, limits, questions, how, binds, cores, parent)
        meter = open_meter(client, str(container.id), parent)
        stack.callback(meter.close)
        if limits.runtime == "runsc":
            stack.callback(end_runtime, client, str(container.id))
        stack.callback(remove_container, client, str(container.id))
        channel = Channel(client, str(container.id))
        stack.callback(channel.close)
        started = time.monotonic()
        talk = Conversation(how, limits, questions, meter, started)
        start_failed = _start(client, container)
        if start_failed is None:
            if runtimes.shows_mounts(limits):
                meter.watch_mounts(_first_process(container))
            talk.hold(channel)
            _end(client, container, talk, channel)
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
            pids_refused=max(usage.pids_refused, int(usage.pids_peak >= runtimes.pids_limit(limits))),
            disk_refused=usage.scratch_full,
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
            curve=talk.curve.points(),
            log=talk.log.value(),
            engine=engine | {"runtime": limits.runtime, "cores_used": cores.cpuset},
        )


def _cancelled_while_waiting(limits: Limits, questions: Questions) -> Result:
    seen = Observation(limits=limits, images_total=questions.total, cancelled=True, stopped_by_us=True)
    return Result(verdict=verdict(seen), seen=seen)


def _start(client: docker.DockerClient, container: Container) -> str | None:
    """Starts the container; returns why its command can't be started, if that is the image's fault."""
    try:
        with patience(client, START_SECONDS), engine_errors("starting the container"):
            container.start()
    except SandboxUnavailable as error:
        cause = error.__cause__
        # 126 and 127 in the state, or a 400: the runtime found no such command, or may not execute it.
        if isinstance(cause, APIError):
            with engine_errors("asking why the container did not start"):
                container.reload()
            said = str(cause.explanation or cause)
            is_images = cause.status_code == 400 or container.attrs["State"]["ExitCode"] in (126, 127)
            if is_images or "creating process: failed to load" in said:  # the latter is runsc's
                return _last_words(said)
        raise
    return None


def _last_words(explanation: str) -> str:
    """The runtime's own reason, without the chain of programs that passed it on."""
    reason = re.split(
        r"start(?:ing)? container process(?: caused)?: |starting root container: |creating process: ",
        explanation.strip(),
    )[-1]
    # Where the engine keeps it is nobody's business.
    reason = re.sub(r"/\S*/(?:merged|rootfs)(?=/)", "", reason)
    reason = re.sub(r'/[^\s":]*/(?:volumes|overlay2|containers)/[^\s":]*', "…", reason)
    return reason[:300].removesuffix(": unknown").rstrip(": ")


def _first_process(container: Container) -> int:
    with engine_errors("asking for the container's process"):
        container.reload()
    return int(container.attrs["State"]["Pid"])


def _end(client: docker.DockerClient, container: Container, talk: Conversation, channel: Channel) -> None:
    """Waits for the container to be gone; kills it where it has to be ended or does not go."""
    grace = time.monotonic() + EXIT_GRACE_SECONDS
    while not talk.must_end and _is_running(container):
        now = time.monotonic()
        talk.watch(now)
        if talk.seen.images_done < talk.seen.images_total and talk.run.contract == "stream" and now > grace:
            talk.seen = dataclasses.replace(talk.seen, protocol_error="it closed its stdout and went on running")
            talk.must_end = True
        time.sleep(0.02)
    if talk.must_end:
        # It may have ended by itself in the meantime; then its exit code is the true one.
        talk.seen = dataclasses.replace(talk.seen, stopped_by_us=_is_running(container))
        # While output nobody reads fills the stream, the engine can't report an end: a kill hung for 60 s.
        channel.close()
        kill_container(client, str(container.id))


def _is_running(container: Container) -> bool:
    with engine_errors("asking whether the container runs"):
        container.reload()
    return bool(container.attrs["State"]["Running"])


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
