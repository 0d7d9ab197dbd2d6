"""Findings on the machine the engine runs on, on its room for what is planned, and on gVisor: pure functions too."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.check.facts import EngineFacts, Finding, HostFacts, MachineFacts, Plan
from sandbox.limits import GIB
from sandbox.verdicts import size

LITTLE_IMAGE_ROOM_BYTES = 20 * GIB
"""An image at its usual limits takes 4 GiB packed and 8 GiB unpacked, and there is more than one."""
LITTLE_TEMP_ROOM_BYTES = 1 * GIB
LITTLE_MEMORY_BYTES = 2 * GIB
MUCH_STEAL = 0.01

_NO_LIMITS = {"ignore-cgroups", "ignore-cgroups=true", "rootless", "rootless=true"}
_SLOW_CLOCKS = {"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit"}


def judge_machine(facts: HostFacts, plan: Plan) -> Iterator[Finding]:
    """What bears on limits, measurements and room, in the order of a report."""
    engine, machine = facts.engine, facts.machine
    yield _swap(engine, machine)
    yield _counters(machine)
    yield judge_cores(engine, machine, plan)
    if machine is not None:
        yield _siblings(machine)
        yield _frequency(machine)
        yield _clock(machine)
        yield _hypervisor(machine)
        yield _load(engine, machine)
        yield _memory(machine)
        yield _image_room(engine, machine)
        yield _temp_room(machine)
    yield from judge_gvisor(engine, machine)


def _swap(engine: EngineFacts, machine: MachineFacts | None) -> Finding:
    swap = machine.swap_bytes if machine else None
    if "swap" not in engine.missing_limits:
        seen = "runs can't swap" + (f"; the host has {size(swap)} of its own" if swap else "")
        return Finding("swap", "ok", "Swap", seen)
    remedy = "Add swapaccount=1 to the kernel's command line (cgroup version 1), or turn swap off: swapoff -a."
    if swap == 0:
        return Finding("swap", "warn", "Swap", "off; were it turned on, runs could go beyond their memory", remedy)
    seen = "whether the host has some is not known" if swap is None else f"the host has {size(swap)}"
    return Finding(
        "swap", "unsafe", "Swap", f"{seen}, and the kernel can't keep runs from it: their memory has no limit", remedy
    )


def _counters(machine: MachineFacts | None) -> Finding:
    if machine and machine.can_write_cgroups:
        return Finding("counters", "ok", "Measurement", "from the kernel's own counters")
    return Finding(
        "counters",
        "warn",
        "Measurement",
        "the engine's cgroups can't be read from here: CPU time and memory come from its statistics, once a second",
        "Run the worker as root on the machine the engine runs on, with /sys/fs/cgroup writable.",
    )


def judge_cores(engine: EngineFacts, machine: MachineFacts | None, plan: Plan) -> Finding:
    """Whether the planned runs have cores of their own, and leave one to worker and daemon."""
    threads = machine.threads_per_core if machine else 1
    usable = min(plan.cpuset or engine.cores, engine.cores)
    needed = plan.slots * plan.cpus
    slots = "1 slot" if plan.slots == 1 else f"{plan.slots} slots"
    what = f"{slots} of {plan.cpus} on {engine.cores} cores" + (" (threads of cores)" if threads > 1 else "")
    remedy = "Start fewer workers here, give a run fewer cores, or use a host with more."
    if plan.cpus > usable:
        seen = f"{what}: a run needs more than the {usable} that runs may use, and fails"
    elif needed > usable:
        seen = f"{what}, of which runs may use {usable}: they wait for each other"
    elif (needed + 1) * threads > engine.cores:
        seen = f"{what}: worker and daemon share them with the runs, so latency is not to be ranked"
    else:
        return Finding("cores", "ok", "Cores", f"{what}: worker and daemon have {engine.cores - needed}")
    return Finding("cores", "warn", "Cores", seen, remedy, spoils_latency=True)


def _siblings(machine: MachineFacts) -> Finding:
    if machine.threads_per_core == 1:
        return Finding("smt", "ok", "SMT", "one thread a core")
    return Finding(
        "smt",
        "warn",
        "SMT",
        f"{machine.threads_per_core} threads on each of {machine.physical_cores} cores: two that share a core slow "
        "each other down, and can feel what the other does",
        "echo off > /sys/devices/system/cpu/smt/control, or name one thread of each core in PARAKH_CPUSET.",
    )


def _frequency(machine: MachineFacts) -> Finding:
    turbo = {True: "; turbo is on", False: "; turbo is off", None: ""}[machine.has_turbo]
    if not machine.governors:
        return Finding("frequency", "ok", "Frequency", f"not changed by this kernel{turbo}")
    seen = f"governor {', '.join(machine.governors)}{turbo}"
    if machine.governors == ("performance",):
        return Finding("frequency", "ok", "Frequency", seen)
    return Finding(
        "frequency",
        "warn",
        "Frequency",
        f"{seen}: the first images of a run are slower, or all of them",
        "echo performance | tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
    )


def _clock(machine: MachineFacts) -> Finding:
    if machine.clock_source in _SLOW_CLOCKS:
        return Finding(
            "clock",
            "warn",
            "Clock",
            f"{machine.clock_source}: reading it takes microseconds, and the kernel found the faster one unsteady",
            "Look for `clocksource` in dmesg; on a virtual machine ask for a paravirtual clock.",
        )
    return Finding("clock", "ok", "Clock", machine.clock_source or "monotonic")


def _hypervisor(machine: MachineFacts) -> Finding:
    if not machine.is_virtual:
        return Finding("hypervisor", "ok", "Virtual machine", "no")
    if machine.steal_share is None:
        return Finding("hypervisor", "ok", "Virtual machine", "yes; it does not say what it takes away")
    seen = f"yes; {machine.steal_share:.1%} of its CPU time since the start went to others"
    if machine.steal_share <= MUCH_STEAL:
        return Finding("hypervisor", "ok", "Virtual machine", seen)
    return Finding(
        "hypervisor",
        "warn",
        "Virtual machine",
        seen,
        "Use a machine with dedicated cores: its neighbours are in every latency.",
        spoils_latency=True,
    )


def _load(engine: EngineFacts, machine: MachineFacts) -> Finding:
    seen = f"{machine.load:.1f} runnable processes on {engine.cores} cores over the last minute"
    if machine.load <= engine.cores:
        return Finding("load", "ok", "Load", seen)
    return Finding(
        "load", "warn", "Load", seen, "Look with `top` what else runs here; a worker's host should be its own."
    )


def _memory(machine: MachineFacts) -> Finding:
    seen = f"{size(machine.memory_available_bytes)} free"
    if machine.memory_available_bytes >= LITTLE_MEMORY_BYTES:
        return Finding("memory", "ok", "Memory", seen)
    return Finding("memory", "warn", "Memory", seen, "Stop what else runs here, or set lower memory limits.")


def _image_room(engine: EngineFacts, machine: MachineFacts) -> Finding:
    free = machine.data_root_free_bytes
    if free is None:
        return Finding("image-room", "ok", "Room for images", f"{engine.data_root} can't be seen from here")
    seen = f"{size(free)} free for {engine.data_root}"
    if free >= LITTLE_IMAGE_ROOM_BYTES:
        return Finding("image-room", "ok", "Room for images", seen)
    remedy = "Free some: `docker system df` says what takes it. Or move the engine's data-root."
    return Finding("image-room", "warn", "Room for images", seen, remedy)


def _temp_room(machine: MachineFacts) -> Finding:
    seen = f"{size(machine.temp_free_bytes)} free in {machine.temp_folder}"
    if machine.temp_free_bytes >= LITTLE_TEMP_ROOM_BYTES:
        return Finding("temp-room", "ok", "Temporary files", seen)
    return Finding("temp-room", "warn", "Temporary files", seen, "Free some, or point TMPDIR to another folder.")


def judge_gvisor(engine: EngineFacts, machine: MachineFacts | None) -> Iterator[Finding]:
    """gVisor is a choice: nothing is wrong without it, only with a half of it."""
    installed = machine.runsc_program if machine else None
    version = f" {machine.runsc_version}" if machine and machine.runsc_version else ""
    runtime = engine.runtimes.get("runsc")
    flags = {argument.lstrip("-") for argument in runtime.arguments} if runtime else set()
    register = "docs/operators.md says how to register it; a reload of the engine is enough."
    if runtime is None and installed is None:
        yield Finding("gvisor", "ok", "gVisor", "not there: phases can't ask for runsc")
    elif runtime is None:
        seen = f"runsc{version} is installed at {installed}, and the engine does not know it"
        yield Finding("gvisor", "warn", "gVisor", seen, register)
    elif flags & _NO_LIMITS:
        yield Finding(
            "gvisor",
            "unsafe",
            "gVisor",
            f"runsc{version} with {' '.join(runtime.arguments)}: no limit of memory, CPU or processes holds",
            "Leave only --network=none in its runtimeArgs, and reload the engine.",
        )
    elif "network=host" in flags:
        yield Finding(
            "gvisor",
            "unsafe",
            "gVisor",
            f"runsc{version} with --network=host: programs talk to the kernel's own network code",
            "Write --network=none in its runtimeArgs, and reload the engine.",
        )
    elif machine is not None and installed is None:
        yield Finding(
            "gvisor", "warn", "gVisor", f"registered, but {runtime.path} is not there", "Install runsc there."
        )
    elif "network=none" not in flags:
        yield Finding(
            "gvisor",
            "warn",
            "gVisor",
            f"runsc{version} without --network=none: containers that have no network may fail to start",
            'Set "runtimeArgs": ["--network=none"] for it, and reload the engine.',
        )
    else:
        yield Finding("gvisor", "ok", "gVisor", f"runsc{version} is registered with --network=none")
