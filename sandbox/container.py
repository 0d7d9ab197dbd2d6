"""What the engine is told about a submission's container: every wall and every ceiling, in one place."""

from __future__ import annotations

from typing import Any

import docker
from docker.errors import ImageNotFound
from docker.models.containers import Container

from sandbox.engine import engine_errors
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
    try:
        with engine_errors("looking at the image"):
            image = client.images.get(program.image)
    except SandboxUnavailable as error:
        if isinstance(error.__cause__, ImageNotFound):
            raise BadImage(f"this engine has no image {program.image!r}; load or build it first") from error
        raise
    config = image.attrs.get("Config") or {}
    if not (program.entrypoint or config.get("Entrypoint") or config.get("Cmd")):
        raise BadImage("the image has neither ENTRYPOINT nor CMD; say in its Dockerfile what to run")
    taken = {bind["bind"] for bind in binds.values()}
    overrides: dict[str, Any] = {}
    if program.entrypoint:
        overrides = {"entrypoint": list(program.entrypoint), "command": []}
    if program.files is not None:
        overrides["working_dir"] = "/submission"
    with engine_errors("creating the container"):
        return client.containers.create(
            image,
            **overrides,
            labels={LABEL: run.id},
            environment=_environment(limits, questions, run),
            stdin_open=True,
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
            tmpfs=_tmpfs(limits, declared=set(config.get("Volumes") or {}) - taken),
            volumes=binds,
            ulimits=[docker.types.Ulimit(name="core", soft=0, hard=0)],
            log_config=docker.types.LogConfig(type="none"),
            healthcheck={"test": ["NONE"]},
            stop_signal="SIGKILL",
            runtime=limits.runtime if limits.runtime != "runc" else None,
            cgroup_parent=cgroup_parent,
        )


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
