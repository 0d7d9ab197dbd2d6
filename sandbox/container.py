"""What the engine is told about a submission's container: every wall and every ceiling, in one place."""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Iterator
from typing import Any

import docker
from docker.errors import APIError
from docker.models.containers import Container

from sandbox.engine import engine_errors, find_image
from sandbox.errors import BadImage, SandboxUnavailable
from sandbox.limits import Limits
from sandbox.program import Program, Questions, Run
from sandbox.volumes import LABEL, NOBODY

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_COVER_BYTES = 64 * 1024


def create_container(
    client: docker.DockerClient,
    program: Program,
    limits: Limits,
    questions: Questions,
    run: Run,
    binds: dict[str, dict[str, str]],
    cgroup_parent: str | None,
) -> Container:
    """Creates, and does not start, the container of a run.

    Args:
        binds: volume name to `{"bind": path, "mode": "ro" | "rw"}`.

    Raises:
        BadImage: the engine has no such image, or it can't be run as it is.
        SandboxUnavailable: the engine failed, or this host has fewer cores than the limits ask for.
    """
    image = find_image(client, program.image)
    config = image.attrs.get("Config") or {}
    if not (program.entrypoint or config.get("Entrypoint") or config.get("Cmd")):
        raise BadImage("the image has neither ENTRYPOINT nor CMD; say in its Dockerfile what to run")
    taken = {bind["bind"] for bind in binds.values()}
    declared = {posixpath.normpath(path) for path in config.get("Volumes") or {}} - taken
    overrides: dict[str, Any] = {}
    if program.entrypoint:
        overrides = {"entrypoint": list(program.entrypoint), "command": []}
    if program.files is not None:
        overrides["working_dir"] = "/submission"
    with _refusals_of_foreign_images(is_ours=program.files is not None), engine_errors("creating the container"):
        return client.containers.create(
            image,
            **overrides,
            labels={LABEL: run.id},
            environment=_environment(limits, questions, run),
            stdin_open=True,
            use_config_proxy=False,  # an operator's proxy may carry a password
            detach=False,  # so that end of input reaches the container when we half-close
            user=f"{NOBODY}:{NOBODY}",
            network_mode="none",
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            ipc_mode="private",
            mem_limit=limits.memory_bytes,
            memswap_limit=limits.memory_bytes,  # the same number: no swap
            cpuset_cpus=run.cpuset or _last_cores(client, limits),
            cpu_period=100_000,
            cpu_quota=int(limits.cpu_quota * 100_000),
            pids_limit=limits.pids,
            tmpfs=_tmpfs(limits, declared),
            volumes=binds,
            ulimits=[docker.types.Ulimit(name="core", soft=0, hard=0)],
            log_config=docker.types.LogConfig(type="none"),
            healthcheck={"test": ["NONE"]},
            stop_signal="SIGKILL",
            runtime=limits.runtime if limits.runtime != "runc" else None,
            cgroup_parent=cgroup_parent,
        )


@contextlib.contextmanager
def _refusals_of_foreign_images(is_ours: bool) -> Iterator[None]:
    """What the engine refuses about a team's image (a VOLUME at `/`) is the image's fault; of one of ours it is not."""
    try:
        yield
    except SandboxUnavailable as error:
        cause = error.__cause__
        # A WORKDIR that is a file comes as an internal error.
        refused = isinstance(cause, APIError) and (cause.status_code == 400 or "Cannot mkdir" in str(cause))
        if is_ours or not refused:
            raise
        reason = str(error.__cause__)[-300:]
        raise BadImage(f"the engine refuses its configuration ({reason}); look at VOLUME, WORKDIR and ENV") from error


def _environment(limits: Limits, questions: Questions, run: Run) -> dict[str, str]:
    threads = str(limits.effective_threads)
    width, height = questions.score_size
    return {
        "PARAKH_CONTRACT": run.contract,
        "PARAKH_IMAGES": str(questions.total),
        "PARAKH_SCORE_SIZE": f"{width}x{height}",
        "HOME": "/tmp",  # noqa: S108  (the container's own; the rest of its file system is read-only)
        **dict.fromkeys(_THREAD_VARIABLES, threads),
    }


def _tmpfs(limits: Limits, declared: set[str]) -> dict[str, str]:
    """Writable places, each with a size and a number of files. A VOLUME of the image would land on the host's disk
    and defeat the read-only root (seen: 100 MiB outlived `docker rm`), so each is covered by a tiny tmpfs."""
    options = "rw,nosuid,nodev,exec,mode=1777"
    covers = dict.fromkeys(declared, f"rw,nosuid,nodev,noexec,mode=0755,size={_COVER_BYTES},nr_inodes=16")
    return covers | {
        "/tmp": f"{options},size={limits.tmpfs_bytes},nr_inodes={limits.tmpfs_inodes}",  # noqa: S108
        "/dev/shm": f"{options},size={limits.shm_bytes},nr_inodes={limits.tmpfs_inodes}",  # noqa: S108
    }


def _last_cores(client: docker.DockerClient, limits: Limits) -> str:
    """The highest-numbered cores: the host's own work mostly sits on the first ones."""
    cores = int(client.info()["NCPU"])
    if limits.cpus > cores:
        raise SandboxUnavailable(f"the limits ask for {limits.cpus} cores and this host has {cores}")
    return f"{cores - limits.cpus}-{cores - 1}"
