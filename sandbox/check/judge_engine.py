"""Findings on the engine: pure functions of what it says about itself."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.check.facts import EngineFacts, Finding
from sandbox.check.holes import Hole, open_holes, parse_version

OLDEST_ENGINE = (20, 10)
"""The first with cgroup version 2, and the oldest that a distribution still maintains."""

_GOOD_STORAGE = {"overlay2", "btrfs", "zfs", "fuse-overlayfs"}
_OWN_NAMES_OF_RUNC = {"runc", "io.containerd.runc.v2"}


def judge_engine(engine: EngineFacts) -> Iterator[Finding]:
    """Everything the engine says, in the order of a report."""
    yield _version(engine)
    yield _connection(engine)
    yield from _exposure(engine)
    yield _place(engine)
    yield from _holes(engine)
    yield _default_runtime(engine)
    yield _limits(engine)
    yield _cgroups(engine)
    yield _seccomp(engine)
    yield _access_control(engine)
    yield _user_namespaces(engine)
    yield _storage(engine)
    yield _architecture(engine)
    yield _live_restore(engine)


def _version(engine: EngineFacts) -> Finding:
    seen = f"{engine.product} {engine.version}, API {engine.api_version}"
    if engine.product != "Docker Engine":
        return Finding(
            "engine-version",
            "warn",
            "Engine",
            seen,
            "Parakh is tested with the Docker Engine; run `make hostile` here.",
        )
    version = parse_version(engine.version)
    if version is not None and version[:2] < OLDEST_ENGINE:
        floor = ".".join(map(str, OLDEST_ENGINE))
        return Finding(
            "engine-version",
            "unsafe",
            "Engine",
            f"{seen}: nobody mends holes in it any more",
            f"Install {floor} or newer: https://docs.docker.com/engine/install/",
        )
    return Finding("engine-version", "ok", "Engine", seen)


def _connection(engine: EngineFacts) -> Finding:
    if engine.encryption == "none":
        return Finding(
            "engine-connection",
            "unsafe",
            "Connection",
            f"{engine.address} without TLS: whoever reaches that port is root on the engine's host",
            "Use the local socket, DOCKER_HOST=ssh://USER@HOST, or TLS with DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH.",
        )
    if engine.encryption == "unverified":
        return Finding(
            "engine-connection",
            "unsafe",
            "Connection",
            f"{engine.address} with TLS, but whose certificate it is is not verified",
            "Set DOCKER_TLS_VERIFY=1 and put the engine's ca.pem into DOCKER_CERT_PATH.",
        )
    return Finding("engine-connection", "ok", "Connection", engine.address)


def _exposure(engine: EngineFacts) -> Iterator[Finding]:
    """The daemon itself warns of a port it listens on, however we came in."""
    for warning in engine.warnings:
        if "without encryption" in warning or "TLS" in warning:
            yield Finding(
                "engine-port",
                "unsafe",
                "Open port",
                warning.removeprefix("WARNING: ").partition("\n")[0].strip(),
                "Take the tcp:// address out of dockerd's options, or add --tlsverify with certificates.",
            )
            return


def _place(engine: EngineFacts) -> Finding:
    where = f"{engine.system}, kernel {engine.kernel}"
    if engine.os_type != "linux":
        return Finding("engine-place", "unsafe", "Host", where, "Switch the engine to Linux containers.")
    if "rootless" in engine.security:
        return Finding(
            "engine-place",
            "warn",
            "Host",
            f"{where}; a rootless engine",
            "Nothing is wrong with it for safety. Counters are coarser, and limits hold only as far as cgroups are "
            "delegated: see the finding on limits.",
        )
    if engine.system == "Docker Desktop" or not engine.is_local:
        return Finding(
            "engine-place",
            "warn",
            "Host",
            f"{where}; not this machine, so its cores, swap, disk and clock were not looked at",
            "Run the worker, and this check, on the machine the engine runs on.",
        )
    return Finding("engine-place", "ok", "Host", where)


def _holes(engine: EngineFacts) -> Iterator[Finding]:
    parts = tuple(part for part in engine.components if part.name in ("runc", "containerd"))
    seen = ", ".join(f"{p.name} {p.version}" + (f" ({p.revision})" if "deb" in p.revision else "") for p in parts)
    unread = [part.name for part in parts if parse_version(part.version) is None]
    if not any(part.name == "runc" for part in parts) or unread:
        yield Finding(
            "holes-unknown",
            "warn",
            "Known holes",
            f"{seen or 'no runc'}: there is no version of runc to judge by",
            "Look for published holes of the runtime in use, and keep it up to date.",
        )
        return
    reachable, others = open_holes(parts, is_reachable=True), open_holes(parts, is_reachable=False)
    if reachable:
        yield Finding(
            "holes-reachable",
            "unsafe",
            "Known holes",
            f"{seen}: {_in_words(reachable)}",
            "Update runc: with Docker's own packages containerd.io, else the package runc, then restart the engine. If "
            "your distribution mended this very version, look for the name in its changelog.",
        )
    if others:
        yield Finding(
            "holes-unreachable",
            "warn",
            "Known holes",
            f"{seen}: holes that a run here does not reach. {_in_words(others)}",
            "Update runc and containerd when your distribution has newer ones.",
        )
    if not reachable and not others:
        yield Finding("holes", "ok", "Known holes", f"{seen}: none that is known here")


def _in_words(holes: list[Hole]) -> str:
    return "; ".join(f"{hole.names}: {hole.why}" for hole in holes)


def _default_runtime(engine: EngineFacts) -> Finding:
    name = engine.default_runtime
    if name in _OWN_NAMES_OF_RUNC:
        return Finding("default-runtime", "ok", "Default runtime", name)
    if "nvidia" in name:
        return Finding(
            "default-runtime",
            "unsafe",
            "Default runtime",
            f"{name}: an image that sets NVIDIA_VISIBLE_DEVICES gets the GPUs, and NVIDIA's hook runs as root for it",
            'Take "default-runtime" out of /etc/docker/daemon.json; GPUs are then given only to runs that have them.',
        )
    return Finding(
        "default-runtime",
        "warn",
        "Default runtime",
        f"{name}: phases that say runc get this one, and its verdicts may differ",
        'Take "default-runtime" out of /etc/docker/daemon.json.',
    )


def _limits(engine: EngineFacts) -> Finding:
    missing = [name for name in engine.missing_limits if name != "swap"]
    if not missing:
        return Finding("limits", "ok", "Limits", "the kernel can limit memory, CPU, cores and processes")
    remedy = (
        "Delegate the controllers to the engine's user: https://rootlesscontaine.rs/getting-started/common/cgroup2/"
        if "rootless" in engine.security
        else "Turn the controllers on in the kernel: on a Raspberry Pi cgroup_enable=memory in /boot/cmdline.txt."
    )
    return Finding("limits", "unsafe", "Limits", f"the engine's host can't limit {', '.join(missing)}", remedy)


def _cgroups(engine: EngineFacts) -> Finding:
    seen = f"version {engine.cgroup_version}, driver {engine.cgroup_driver}"
    if engine.cgroup_driver == "none":
        return Finding(
            "cgroups", "unsafe", "Cgroups", f"{seen}: no limit holds", "Use cgroup version 2, or an engine run by root."
        )
    return Finding("cgroups", "ok", "Cgroups", seen)


def _seccomp(engine: EngineFacts) -> Finding:
    if "seccomp" not in engine.security:
        return Finding(
            "seccomp",
            "unsafe",
            "Seccomp",
            "the engine or its kernel has none: a program could make every system call",
            "Use a kernel with CONFIG_SECCOMP_FILTER and an engine built with seccomp.",
        )
    if engine.seccomp_profile == "unconfined":
        return Finding(
            "seccomp",
            "warn",
            "Seccomp",
            "there, but off by default; runs of Parakh bring their own profile",
            'Take "seccomp-profile" out of /etc/docker/daemon.json.',
        )
    return Finding("seccomp", "ok", "Seccomp", "there; runs bring their own profile")


def _access_control(engine: EngineFacts) -> Finding:
    found = [name for name in ("apparmor", "selinux") if name in engine.security]
    if found:
        return Finding("access-control", "ok", "AppArmor, SELinux", found[0])
    return Finding(
        "access-control",
        "warn",
        "AppArmor, SELinux",
        "neither: one wall fewer behind seccomp and dropped capabilities",
        "Turn on AppArmor (Debian, Ubuntu) or SELinux (Fedora and its family) and restart the engine.",
    )


def _user_namespaces(engine: EngineFacts) -> Finding:
    if {"userns", "rootless"} & set(engine.security):
        return Finding("user-namespaces", "ok", "User namespaces", "root in a container is nobody on the host")
    return Finding(
        "user-namespaces", "ok", "User namespaces", "not remapped; runs have an unprivileged user and no capabilities"
    )


def _storage(engine: EngineFacts) -> Finding:
    if engine.has_containerd_store:
        return Finding(
            "storage",
            "warn",
            "Storage",
            f"{engine.storage_driver}, images kept by containerd: Parakh is tested with the engine's own store",
            'Set {"features": {"containerd-snapshotter": false}} in /etc/docker/daemon.json, or run `make hostile`.',
        )
    if engine.storage_driver == "overlay" and engine.product == "Podman Engine":
        return Finding("storage", "ok", "Storage", "overlay")
    if engine.storage_driver not in _GOOD_STORAGE:
        return Finding(
            "storage",
            "warn",
            "Storage",
            f"driver {engine.storage_driver}: slow, or no longer maintained",
            'Set {"storage-driver": "overlay2"} in /etc/docker/daemon.json; images must then be built again.',
        )
    return Finding("storage", "ok", "Storage", engine.storage_driver)


def _architecture(engine: EngineFacts) -> Finding:
    if engine.architecture in ("x86_64", "amd64", "aarch64", "arm64"):
        return Finding("architecture", "ok", "Architecture", engine.architecture)
    return Finding(
        "architecture",
        "warn",
        "Architecture",
        f"{engine.architecture}: there are no wheels of PyTorch for it, so no base images",
        "Use a host with x86-64 or 64-bit ARM.",
    )


def _live_restore(engine: EngineFacts) -> Finding:
    seen = "on" if engine.has_live_restore else "off: a restart of the engine ends the runs, which are then repeated"
    return Finding("live-restore", "ok", "Live restore", seen)
