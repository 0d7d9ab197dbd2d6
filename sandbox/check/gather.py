"""Asks the engine and the kernel. What can't be read is None or empty; only a silent engine is an error."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import docker

from sandbox import cgroups
from sandbox.check.facts import Component, EngineFacts, HostFacts, MachineFacts, Runtime
from sandbox.cores import parse_cores
from sandbox.engine import engine_errors, is_local

_CPUS = Path("/sys/devices/system/cpu")
_PROGRAM_SECONDS = 5.0
_LIMITS = {
    "MemoryLimit": "memory",
    "SwapLimit": "swap",
    "CpuCfsQuota": "CPU quota",
    "CPUSet": "cpuset",
    "PidsLimit": "pids",
}


def gather(client: docker.DockerClient) -> HostFacts:
    """All there is to know about the engine and, where it runs on this machine, about the machine.

    Raises:
        SandboxUnavailable: the engine does not answer.
    """
    with engine_errors("describing itself"):
        info, version = client.info(), client.version()
    engine = _engine(client, info, version)
    # Docker Desktop's socket is of this machine and its kernel is not.
    is_here = engine.is_local and engine.kernel == os.uname().release
    return HostFacts(engine, _machine(engine) if is_here else None)


def _engine(client: docker.DockerClient, info: dict[str, Any], version: dict[str, Any]) -> EngineFacts:
    parts = version.get("Components") or []
    security = [_options(text) for text in info.get("SecurityOptions") or []]
    return EngineFacts(
        product="Podman Engine" if any(part.get("Name") == "Podman Engine" for part in parts) else "Docker Engine",
        version=version.get("Version", ""),
        api_version=version.get("ApiVersion", ""),
        system=info.get("OperatingSystem", ""),
        os_type=info.get("OSType", ""),
        architecture=info.get("Architecture", ""),
        kernel=info.get("KernelVersion", ""),
        address=os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock",
        is_local=is_local(client),
        encryption=_encryption(client),
        cores=int(info.get("NCPU") or 0),
        memory_bytes=int(info.get("MemTotal") or 0),
        components=tuple(_component(part) for part in parts),
        security=tuple(option["name"] for option in security if "name" in option),
        seccomp_profile=next((o.get("profile", "") for o in security if o.get("name") == "seccomp"), ""),
        storage_driver=info.get("Driver", ""),
        has_containerd_store=any("io.containerd.snapshotter" in str(row) for row in info.get("DriverStatus") or []),
        data_root=info.get("DockerRootDir", ""),
        cgroup_version=str(info.get("CgroupVersion") or "1").removeprefix("v"),
        cgroup_driver=info.get("CgroupDriver", ""),
        # An engine that no longer mentions a limit has it on every kernel it supports.
        missing_limits=tuple(name for key, name in _LIMITS.items() if info.get(key) is False),
        has_live_restore=bool(info.get("LiveRestoreEnabled")),
        runtimes={
            name: Runtime(runtime.get("path") or "", tuple(runtime.get("runtimeArgs") or ()))
            for name, runtime in (info.get("Runtimes") or {}).items()
        },
        default_runtime=info.get("DefaultRuntime") or "runc",
        warnings=tuple(info.get("Warnings") or ()),
    )


def _options(text: str) -> dict[str, str]:
    """`name=seccomp,profile=default` as a dict."""
    return {key: value for key, _, value in (pair.partition("=") for pair in text.split(","))}


def _component(part: dict[str, Any]) -> Component:
    # Podman writes "OCI Runtime (runc)".
    name = re.sub(r"^OCI Runtime \((.*)\)$", r"\1", part.get("Name", ""))
    return Component(name, part.get("Version", ""), (part.get("Details") or {}).get("GitCommit", ""))


def _encryption(client: docker.DockerClient) -> Literal["verified", "unverified", "none"]:
    address = str(client.api.base_url)
    if address.startswith("https:"):
        return "verified" if client.api.verify else "unverified"
    return "none" if address.startswith("http:") else "verified"


def _machine(engine: EngineFacts) -> MachineFacts:
    memory = _table("/proc/meminfo")
    cores = _core_groups()
    temp = tempfile.gettempdir()
    registered = engine.runtimes.get("runsc")
    runsc = shutil.which(registered.path if registered and registered.path else "runsc")
    return MachineFacts(
        can_write_cgroups=os.access(cgroups.ROOT, os.W_OK),
        swap_bytes=memory.get("SwapTotal", 0) * 1024,
        memory_available_bytes=memory.get("MemAvailable", 0) * 1024,
        physical_cores=len(cores),
        threads_per_core=max((len(group) for group in cores), default=1),
        governors=tuple(
            sorted({text for path in _CPUS.glob("cpu*/cpufreq/scaling_governor") if (text := _read(path))})
        ),
        has_turbo=_turbo(),
        clock_source=_read(Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")),
        is_virtual="hypervisor" in (_read(Path("/proc/cpuinfo")) or "").split(),
        steal_share=_steal_share(_read(Path("/proc/stat")) or ""),
        load=os.getloadavg()[0],
        data_root_free_bytes=_free_bytes(engine.data_root),
        temp_folder=temp,
        temp_free_bytes=_free_bytes(temp) or 0,
        runsc_program=runsc,
        runsc_version=_runsc_version(runsc) if runsc else None,
    )


def _core_groups() -> set[tuple[int, ...]]:
    """The hardware threads of each physical core."""
    found: set[tuple[int, ...]] = set()
    for path in _CPUS.glob("cpu[0-9]*/topology/thread_siblings_list"):
        with contextlib.suppress(ValueError):
            found.add(tuple(parse_cores(_read(path) or "")))
    return found or {(core,) for core in range(os.cpu_count() or 1)}


def _turbo() -> bool | None:
    no_turbo = _read(_CPUS / "intel_pstate/no_turbo")
    boost = _read(_CPUS / "cpufreq/boost")
    if no_turbo is not None:
        return no_turbo == "0"
    return None if boost is None else boost == "1"


def _steal_share(stat: str) -> float | None:
    """Of all CPU time since the start. Columns: user, nice, system, idle, iowait, irq, softirq, steal."""
    fields = [int(field) for field in stat.partition("\n")[0].split()[1:9]]
    total = sum(fields)
    return fields[7] / total if len(fields) == 8 and total else None


def _free_bytes(folder: str) -> int | None:
    """For an ordinary user; None where the folder can't be seen from here."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _runsc_version(program: str) -> str | None:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_PROGRAM_SECONDS, check=False
        )
        match = re.search(r"runsc version (\S+)", done.stdout)
        return match[1] if match else None
    return None


def _table(path: str) -> dict[str, int]:
    """`Name:  123 kB` lines."""

    def rows() -> Iterator[tuple[str, int]]:
        for line in (_read(Path(path)) or "").splitlines():
            name, _, value = line.partition(":")
            number = value.split()[:1]
            if number and number[0].isdigit():
                yield name, int(number[0])

    return dict(rows())


def _read(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return None
