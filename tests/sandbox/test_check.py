"""Judging hosts: those one rarely has, by their facts; this one for real."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import docker
import pytest

from sandbox import SandboxUnavailable, check_host, offered_runtimes
from sandbox.check import HostCheck, judge
from sandbox.check.facts import Component, EngineFacts, Finding, HostFacts, MachineFacts, Plan, Runtime
from sandbox.check.holes import HOLES, RELEASE, open_holes, parse_version
from sandbox.limits import GIB
from tests.relay import engine_without_tls

ENGINE = EngineFacts(
    version="29.5.0",
    api_version="1.52",
    system="Debian GNU/Linux 13 (trixie)",
    architecture="x86_64",
    kernel="6.12.0",
    cores=8,
    memory_bytes=32 * GIB,
    components=(Component("containerd", "v2.3.5", "abc"), Component("runc", "1.4.3", "v1.4.3-0-gabc")),
    security=("apparmor", "seccomp", "cgroupns"),
    seccomp_profile="builtin",
    runtimes={"runc": Runtime("runc"), "runsc": Runtime("/usr/bin/runsc", ("--network=none",))},
)
MACHINE = MachineFacts(
    can_write_cgroups=True,
    swap_bytes=0,
    memory_available_bytes=30 * GIB,
    physical_cores=8,
    threads_per_core=1,
    governors=("performance",),
    has_turbo=False,
    clock_source="tsc",
    data_root_free_bytes=200 * GIB,
    temp_free_bytes=200 * GIB,
    runsc_program="/usr/bin/runsc",
    runsc_version="20260101.0",
)
BOOKWORM = (
    Component("containerd", "1.6.20~ds1", "1.6.20~ds1-1+deb12u3"),
    Component("runc", "1.1.5+ds1", "1.1.5+ds1-1+deb12u1"),
)
NO_RUNSC = {"runc": Runtime("runc")}
TEST_PLAN = Plan()


def host(plan: Plan = TEST_PLAN, machine: MachineFacts | None = MACHINE, **changes: Any) -> HostCheck:
    """A good host with some of its facts changed; a name belongs to the engine, or else to the machine."""
    of_engine = {name: value for name, value in changes.items() if name in EngineFacts.__dataclass_fields__}
    of_machine = {name: value for name, value in changes.items() if name not in of_engine}
    if machine is not None:
        machine = dataclasses.replace(machine, **of_machine)
    facts = HostFacts(dataclasses.replace(ENGINE, **of_engine), machine)
    return HostCheck(judge(facts, plan), facts)


def found(check: HostCheck, id_: str) -> Finding:
    """The one finding of that id."""
    (finding,) = [finding for finding in check.findings if finding.id == id_]
    return finding


def test_a_good_host_has_nothing_to_be_told() -> None:
    check = host()
    assert [finding for finding in check.findings if finding.level != "ok"] == []
    assert check.safe
    assert check.latency_rankable


@pytest.mark.parametrize(
    ("changes", "id_", "level", "words"),
    [
        # The engine and the way to it
        ({"version": "19.03.15"}, "engine-version", "unsafe", "20.10"),
        ({"version": "20.10.24+dfsg1"}, "engine-version", "ok", "20.10.24"),
        ({"version": "29.5.0-rc.1"}, "engine-version", "ok", "29.5"),
        ({"product": "Podman Engine", "version": "4.9.3"}, "engine-version", "warn", "Podman"),
        ({"address": "tcp://10.0.0.5:2375", "encryption": "none"}, "engine-connection", "unsafe", "root"),
        ({"address": "tcp://10.0.0.5:2376", "encryption": "unverified"}, "engine-connection", "unsafe", "TLS_VERIFY"),
        ({"address": "tcp://10.0.0.5:2376", "is_local": False}, "engine-connection", "ok", "10.0.0.5"),
        ({"address": "ssh://worker@far", "is_local": False}, "engine-place", "warn", "not this machine"),
        ({"warnings": ("WARNING: No swap limit support",)}, "engine-connection", "ok", "docker.sock"),
        (
            {"warnings": ("WARNING: API is accessible on http://0.0.0.0:2375 without encryption.\n Access …",)},
            "engine-port",
            "unsafe",
            "http://0.0.0.0:2375",
        ),
        (
            {"warnings": ("WARNING: API is accessible on https://0.0.0.0:2376 without TLS client verification.",)},
            "engine-port",
            "unsafe",
            "tlsverify",
        ),
        ({"system": "Docker Desktop"}, "engine-place", "warn", "Docker Desktop"),
        ({"os_type": "windows"}, "engine-place", "unsafe", "Linux containers"),
        ({"security": ("seccomp", "rootless", "cgroupns")}, "engine-place", "warn", "rootless"),
        ({"architecture": "aarch64"}, "architecture", "ok", "aarch64"),
        ({"architecture": "armv7l"}, "architecture", "warn", "64-bit"),
        # Walls
        ({"security": ("apparmor",)}, "seccomp", "unsafe", "CONFIG_SECCOMP"),
        ({"seccomp_profile": "unconfined"}, "seccomp", "warn", "own profile"),
        ({"security": ("seccomp",)}, "access-control", "warn", "AppArmor"),
        ({"security": ("seccomp", "selinux")}, "access-control", "ok", "selinux"),
        ({"security": ("seccomp", "apparmor", "userns")}, "user-namespaces", "ok", "nobody"),
        ({}, "user-namespaces", "ok", "not remapped"),
        ({"default_runtime": "nvidia"}, "default-runtime", "unsafe", "NVIDIA_VISIBLE_DEVICES"),
        ({"default_runtime": "crun"}, "default-runtime", "warn", "crun"),
        ({"default_runtime": "io.containerd.runc.v2"}, "default-runtime", "ok", "runc"),
        # Limits
        ({"missing_limits": ("memory", "swap")}, "limits", "unsafe", "memory"),
        ({"missing_limits": ("pids",)}, "limits", "unsafe", "pids"),
        ({"missing_limits": ("cpuset",), "security": ("seccomp", "rootless")}, "limits", "unsafe", "Delegate"),
        ({"cgroup_version": "1", "cgroup_driver": "cgroupfs"}, "cgroups", "ok", "version 1"),
        ({"cgroup_version": "2", "cgroup_driver": "systemd"}, "cgroups", "ok", "version 2"),
        ({"cgroup_version": "1", "cgroup_driver": "none"}, "cgroups", "unsafe", "no limit"),
        ({"missing_limits": ("swap",), "swap_bytes": 2 * GIB}, "swap", "unsafe", "swapaccount=1"),
        ({"missing_limits": ("swap",), "swap_bytes": 0}, "swap", "warn", "swapaccount=1"),
        ({"missing_limits": ("swap",), "machine": None}, "swap", "unsafe", "not known"),
        ({"swap_bytes": 2 * GIB}, "swap", "ok", "2.0 GiB"),
        # Storage and room
        ({"storage_driver": "vfs"}, "storage", "warn", "overlay2"),
        ({"storage_driver": "overlayfs", "has_containerd_store": True}, "storage", "warn", "containerd-snapshotter"),
        ({"storage_driver": "overlay", "product": "Podman Engine"}, "storage", "ok", "overlay"),
        ({"data_root_free_bytes": 3 * GIB}, "image-room", "warn", "3.0 GiB"),
        ({"data_root_free_bytes": None}, "image-room", "ok", "can't be seen"),
        ({"temp_free_bytes": 1024}, "temp-room", "warn", "TMPDIR"),
        ({"memory_available_bytes": GIB // 2}, "memory", "warn", "512"),
        ({"has_live_restore": True}, "live-restore", "ok", "on"),
        # Measurement
        ({"can_write_cgroups": False}, "counters", "warn", "root"),
        ({"machine": None}, "counters", "warn", "statistics"),
        ({"threads_per_core": 2, "physical_cores": 4}, "smt", "warn", "PARAKH_CPUSET"),
        ({"governors": ("powersave",)}, "frequency", "warn", "scaling_governor"),
        ({"governors": ("performance", "schedutil"), "has_turbo": True}, "frequency", "warn", "turbo is on"),
        ({"governors": ()}, "frequency", "ok", "not changed"),
        ({"clock_source": "hpet"}, "clock", "warn", "hpet"),
        ({"clock_source": "arch_sys_counter"}, "clock", "ok", "arch_sys_counter"),
        ({"is_virtual": True, "steal_share": 0.001}, "hypervisor", "ok", "0.1%"),
        ({"is_virtual": True, "steal_share": 0.2}, "hypervisor", "warn", "20.0%"),
        ({"load": 30.0}, "load", "warn", "top"),
        # gVisor
        ({"runtimes": NO_RUNSC, "runsc_program": None}, "gvisor", "ok", "not there"),
        ({"runtimes": NO_RUNSC, "machine": None}, "gvisor", "ok", "not there"),
        ({"runtimes": NO_RUNSC}, "gvisor", "warn", "does not know it"),
        ({"runsc_program": None}, "gvisor", "warn", "Install runsc"),
        ({"runtimes": {"runsc": Runtime("/usr/bin/runsc")}}, "gvisor", "warn", "--network=none"),
        ({"runtimes": {"runsc": Runtime("x", ("--network=host",))}}, "gvisor", "unsafe", "--network=host"),
        (
            {"runtimes": {"runsc": Runtime("x", ("--network=none", "-ignore-cgroups"))}},
            "gvisor",
            "unsafe",
            "no limit",
        ),
    ],
)
def test_hosts_are_judged_by_their_facts(changes: dict[str, Any], id_: str, level: str, words: str) -> None:
    check = host(**changes)
    finding = found(check, id_)
    assert finding.level == level
    assert words in f"{finding.seen} {finding.remedy}"
    if level == "unsafe":
        assert not check.safe
    for each in check.findings:
        assert bool(each.remedy) == (each.level != "ok"), f"{each.id}: what is to be done, and only then"


@pytest.mark.parametrize(
    ("plan", "changes", "is_rankable"),
    [
        (Plan(slots=1, cpus=1), {"cores": 2, "physical_cores": 2}, True),
        (Plan(slots=2, cpus=1), {"cores": 2, "physical_cores": 2}, False),  # worker and daemon share them
        (Plan(slots=1, cpus=2), {"cores": 2, "physical_cores": 2}, False),
        (Plan(slots=1, cpus=1), {"cores": 1, "physical_cores": 1}, False),
        (Plan(slots=1, cpus=4), {"cores": 2, "physical_cores": 2}, False),  # can't even start
        (Plan(slots=7, cpus=1), {}, True),
        (Plan(slots=8, cpus=1), {}, False),
        (Plan(slots=2, cpus=2, cpuset=2), {}, False),  # they wait for each other
        (Plan(slots=2, cpus=2, cpuset=4), {}, True),
        (Plan(slots=3, cpus=1), {"threads_per_core": 2, "physical_cores": 4}, True),
        (Plan(slots=4, cpus=1), {"threads_per_core": 2, "physical_cores": 4}, False),  # one shares a core with us
        (Plan(slots=1, cpus=1), {"is_virtual": True, "steal_share": 0.2}, False),
    ],
)
def test_latency_is_ranked_only_where_runs_have_their_cores_to_themselves(
    plan: Plan, changes: dict[str, Any], is_rankable: bool
) -> None:
    check = host(plan, **changes)
    assert check.latency_rankable == is_rankable
    assert check.as_dict()["latency_rankable"] == is_rankable
    assert check.safe, "noise is no danger"


def test_a_run_that_can_never_start_is_told_from_one_that_waits() -> None:
    assert "fails" in found(host(Plan(slots=1, cpus=4, cpuset=2)), "cores").seen
    assert "wait" in found(host(Plan(slots=2, cpus=2, cpuset=2)), "cores").seen


@pytest.mark.parametrize(
    ("component", "reachable", "others"),
    [
        (Component("runc", "1.0.0-rc6"), {"CVE-2019-5736", "CVE-2024-21626"}, {"CVE-2021-30465", "CVE-2025-31133"}),
        (Component("runc", "1.0.0~rc93+ds1", "1.0.0~rc93+ds1-5"), {"CVE-2024-21626"}, {"CVE-2021-30465"}),
        (Component("runc", "1.1.5", "v1.1.5-0-gf19387a"), {"CVE-2024-21626"}, {"CVE-2024-45310", "CVE-2025-31133"}),
        (Component("runc", "1.1.5+ds1", "1.1.5+ds1-1"), {"CVE-2024-21626"}, {"CVE-2025-31133"}),
        (Component("runc", "1.1.5+ds1", "1.1.5+ds1-1+deb12u1"), set(), {"CVE-2024-45310", "CVE-2025-31133"}),
        (Component("runc", "1.1.5+ds1", "1.1.5+ds1-1+deb12u1+b4"), set(), {"CVE-2025-31133"}),
        (Component("runc", "1.1.11"), {"CVE-2024-21626"}, {"CVE-2025-31133"}),
        (Component("runc", "1.1.12"), set(), {"CVE-2024-45310", "CVE-2025-31133"}),
        (Component("runc", "v1.2.7"), set(), {"CVE-2025-31133", "CVE-2026-41579"}),
        (Component("runc", "1.2.8"), set(), {"CVE-2026-41579"}),
        (Component("runc", "1.3.3"), set(), {"CVE-2026-41579"}),
        (Component("runc", "1.4.0-rc.2"), set(), {"CVE-2025-31133", "CVE-2026-41579"}),
        (Component("runc", "1.4.3"), set(), set()),
        (Component("runc", "1.6.0"), set(), set()),
        (Component("containerd", "1.6.20~ds1", "1.6.20~ds1-1+deb12u1"), set(), {"CVE-2024-25621"}),
        (Component("containerd", "1.6.20~ds1", "1.6.20~ds1-1+deb12u3"), set(), set()),
        (Component("containerd", "v1.7.29"), set(), set()),
        (Component("containerd", "2.1.4"), set(), {"CVE-2024-25621"}),
        (Component("docker-init", "0.19.0"), set(), set()),
    ],
)
def test_known_holes_are_told_by_version_and_build(component: Component, reachable: set[str], others: set[str]) -> None:
    def first_names(is_reachable: bool) -> set[str]:
        return {hole.names.split(",")[0] for hole in open_holes((component,), is_reachable)}

    assert first_names(is_reachable=True) == reachable
    assert others <= first_names(is_reachable=False)
    if not others:
        assert first_names(is_reachable=False) == set()


def test_only_a_hole_that_a_submission_reaches_is_unsafe() -> None:
    bookworm = host(components=BOOKWORM)
    assert bookworm.safe
    assert found(bookworm, "holes-unreachable").level == "warn"
    leaky = host(components=(Component("runc", "1.1.11"),))
    assert "CVE-2024-21626" in found(leaky, "holes-reachable").seen
    assert not leaky.safe


@pytest.mark.parametrize("components", [(), (Component("crun", "1.14"),), (Component("runc", "N/A"),)])
def test_a_runtime_that_can_not_be_judged_is_said(components: tuple[Component, ...]) -> None:
    assert found(host(components=components), "holes-unknown").level == "warn"


def test_the_table_of_holes_is_in_order() -> None:
    for hole in HOLES:
        assert list(hole.fixed) == sorted(hole.fixed)
        assert len({fixed[:2] for fixed in hole.fixed}) == len(hole.fixed), "one a release line"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.1.5+ds1", (1, 1, 5, RELEASE)),
        ("v1.2.8", (1, 2, 8, RELEASE)),
        ("1.0.0~rc93+ds1", (1, 0, 0, 93)),
        ("1.4.0-rc.3", (1, 4, 0, 3)),
        ("20.10.24+dfsg1", (20, 10, 24, RELEASE)),
        ("1.1.7-0ubuntu1~22.04.2", (1, 1, 7, RELEASE)),
        ("runc version 1.1.12", (1, 1, 12, RELEASE)),
        ("N/A", None),
        ("", None),
    ],
)
def test_versions_are_read(text: str, version: tuple[float, ...] | None) -> None:
    assert parse_version(text) == version


# This host, for real


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", "check", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_this_host_is_seen_as_it_is(engine: docker.DockerClient) -> None:
    check = check_host()
    facts, info = check.facts.engine, engine.info()
    assert facts.version == engine.version()["Version"]
    assert facts.cores == info["NCPU"]
    assert facts.cgroup_version == info["CgroupVersion"]
    assert "seccomp" in facts.security
    assert set(facts.runtimes) == set(info["Runtimes"])
    assert [part.version for part in facts.components if part.name == "runc"] != []
    assert check.safe, [finding.seen for finding in check.unsafe]
    if (machine := check.facts.machine) is not None:
        assert machine.physical_cores * machine.threads_per_core == os.cpu_count()
        assert machine.can_write_cgroups == os.access("/sys/fs/cgroup", os.W_OK)
        swaps = Path("/proc/swaps").read_text().splitlines()[1:]
        assert machine.swap_bytes == pytest.approx(sum(int(row.split()[2]) for row in swaps) * 1024, rel=0.01)
        assert 0 < machine.memory_available_bytes < facts.memory_bytes
        assert bool(machine.runsc_version) == bool(machine.runsc_program)


def test_runtimes_offered_are_those_of_the_engine(
    engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = engine.info()["Runtimes"]
    assert offered_runtimes() == (("runc", "runsc") if "runsc" in known else ("runc",))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    assert offered_runtimes() == ("runc",)


def test_the_command_speaks_to_people() -> None:
    done = command()
    assert done.returncode == 0, done.stdout
    assert "This host is safe" in done.stdout
    assert "Known holes" in done.stdout


def test_the_command_speaks_to_programs(engine: docker.DockerClient) -> None:
    cores = engine.info()["NCPU"]
    done = command("--json", "--slots", str(cores))
    said = json.loads(done.stdout)
    assert set(said) == {"safe", "latency_rankable", "findings", "facts"}
    assert (done.returncode == 0) == said["safe"]
    assert said["latency_rankable"] is False, "no core is left to worker and daemon"
    assert said["facts"]["engine"]["cores"] == cores


def test_an_unsafe_host_ends_with_1() -> None:
    with engine_without_tls() as address:
        done = command("--json", DOCKER_HOST=address)
    assert done.returncode == 1
    unsafe = [finding["id"] for finding in json.loads(done.stdout)["findings"] if finding["level"] == "unsafe"]
    assert unsafe == ["engine-connection"]


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        ([], {"DOCKER_HOST": "unix:///nowhere.sock"}, "no Docker Engine answers"),
        (["--slots", "0"], {}, "1 or more"),
        (["--cpuset", "two"], {}, "list of cores"),
    ],
)
def test_a_check_that_can_not_be_done_ends_with_2(
    arguments: list[str], environment: dict[str, str], words: str
) -> None:
    done = command(*arguments, **environment)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_no_engine_is_not_an_unsafe_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with pytest.raises(SandboxUnavailable, match="DOCKER_HOST"):
        check_host()
