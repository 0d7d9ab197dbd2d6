"""Turns the kernel's knobs in /proc and /sys, and reads what they say of the host.

expect = "OK"
"""


def turned(path, value):
    with open(path, "w") as file:
        file.write(value)


KNOBS = (
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hostname",
    "/proc/sys/vm/drop_caches",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/kernel/randomize_va_space",
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/fs/file-max",
    "/proc/sysrq-trigger",
    "/proc/irq/default_smp_affinity",
    "/proc/acpi/wakeup",
    "/sys/power/state",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/kernel/uevent_helper",
    "/sys/devices/system/cpu/cpu0/online",
    "/sys/class/net/lo/mtu",
    "/sys/fs/cgroup/cgroup.procs",
)
for knob in KNOBS:
    refused(knob, lambda: turned(knob, "1"), errno.ENOENT)
for secret in (
    "/proc/kcore",
    "/proc/keys",
    "/proc/timer_list",
    "/proc/sched_debug",
    "/proc/latency_stats",
    "/sys/firmware/dmi",
):
    try:
        absent(secret, os.listdir(secret) if os.path.isdir(secret) else open(secret, "rb").read(1))
    except OSError as error:
        note(f"{secret}: {error.strerror}")
for memory in (
    "/dev/mem",
    "/dev/kmem",
    "/dev/port",
    "/dev/kmsg",
    "/proc/kmsg",
    "/proc/kpagecount",
    "/proc/vmallocinfo",
):
    refused(memory, lambda: os.close(os.open(memory, os.O_RDONLY)), errno.ENOENT)
finish()
