"""What the engine is told about a submission's container: every wall and every ceiling, in one place."""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Iterator
from typing import Any

import docker
from docker.errors import APIError
from docker.models.containers import Container

from sandbox import runtimes, seccomp
from sandbox.cores import Cores
from sandbox.engine import engine_errors, find_image
from sandbox.errors import BadImage, SandboxUnavailable
from sandbox.image.config import LOADER_VARIABLES, check_config
from sandbox.limits import Limits
from sandbox.program import Program, Questions, Run
from sandbox.volumes import LABEL, NOBODY

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_ULIMITS = {"core": (0, 0), "nofile": (1024, 4096), "memlock": (64 * 1024, 64 * 1024)}
"""Soft and hard: what a program has, and what it may raise that to."""

_COVER_BYTES = 64 * 1024


def create_container(
    client: docker.DockerClient,
    program: Program,
    limits: Limits,
    questions: Questions,
    run: Run,
    binds: dict[str, dict[str, str]],
    cores: Cores,
    cgroup_parent: str | None,
) -> Container:
    """Creates, and does not start, the container of a run.

    Args:
        binds: volume name to `{"bind": path, "mode": "ro" | "rw"}`.
        cores: to run on, reserved by the caller.
        cgroup_parent: see `cgroups.prepare_parent`.

    Raises:
        BadImage: the engine has no such image, or it can't be run as it is.
        SandboxUnavailable: the engine failed, or has no such runtime.
    """
    image = find_image(client, program.image)
    config = image.attrs.get("Config") or {}
    check_config(config, has_entry_point=program.entrypoint is not None)
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
            labels=dict.fromkeys(config.get("Labels") or {}, "") | {LABEL: run.id} | cores.label,
            environment=_environment(config, limits, questions, run),
            # With stdin closed, Debian's runsc hands over the host's own /dev/null, and its owner changes (seen).
            stdin_open=True,
            use_config_proxy=False,  # an operator's proxy may carry a password
            detach=False,  # so that end of input reaches the container when we half-close
            user=f"{NOBODY}:{NOBODY}",
            network_mode="none",
            dns=["127.0.0.1"],  # else it is told of the host's name servers
            dns_search=["."],
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges", f"seccomp={seccomp.profile()}"],
            ipc_mode="private",
            oom_score_adj=1000,  # when the host runs out of memory, this goes first
            mem_limit=limits.memory_bytes,
            memswap_limit=limits.memory_bytes,  # the same number: no swap
            cpuset_cpus=cores.cpuset,
            cpu_period=100_000,
            cpu_quota=int(limits.cpu_quota * 100_000),
            pids_limit=runtimes.pids_limit(limits),
            tmpfs=_tmpfs(limits, declared),
            volumes=binds,
            ulimits=[docker.types.Ulimit(name=name, soft=soft, hard=hard) for name, (soft, hard) in _ULIMITS.items()],
            log_config=docker.types.LogConfig(type="none"),
            healthcheck={"test": ["NONE"]},
            stop_signal="SIGKILL",
            runtime=limits.runtime if limits.runtime != "runc" else None,
            cgroup_parent=cgroup_parent,
            device_requests=[docker.types.DeviceRequest(count=limits.gpus, capabilities=[["gpu"]])]
            if limits.gpus
            else [],
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


def _environment(config: dict[str, Any], limits: Limits, questions: Questions, run: Run) -> list[str]:
    """Ours goes over the image's. Without its `=` a variable is taken away: those that the loader obeys."""
    names = [variable.partition("=")[0] for variable in config.get("Env") or []]
    threads = str(limits.effective_threads)
    width, height = questions.score_size
    ours = {
        "PARAKH_CONTRACT": run.contract,
        "PARAKH_IMAGES": str(questions.total),
        "PARAKH_SCORE_SIZE": f"{width}x{height}",
        "HOME": "/tmp",  # noqa: S108  (the container's own; the rest of its file system is read-only)
        **dict.fromkeys(_THREAD_VARIABLES, threads),
    }
    return [
        *(f"{name}={value}" for name, value in ours.items()),
        *(name for name in names if name.startswith(LOADER_VARIABLES)),
    ]


def _tmpfs(limits: Limits, declared: set[str]) -> dict[str, str]:
    """Writable places, each with a size and a number of files. A VOLUME of the image would land on the host's disk
    and defeat the read-only root (seen: 100 MiB outlived `docker rm`), so each is covered by a tiny tmpfs."""
    options = "rw,nosuid,nodev,exec,mode=1777"
    covers = dict.fromkeys(declared, f"rw,nosuid,nodev,noexec,mode=0755,size={_COVER_BYTES},nr_inodes=16")
    return covers | {
        "/tmp": f"{options},size={limits.tmpfs_bytes},nr_inodes={limits.tmpfs_inodes}",  # noqa: S108
        "/dev/shm": f"{options},size={limits.shm_bytes},nr_inodes={limits.tmpfs_inodes}",  # noqa: S108
    }
