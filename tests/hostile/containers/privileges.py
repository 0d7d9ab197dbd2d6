"""Wants to be somebody: root, other groups, capabilities, real time, more of everything.

expect = "OK"

[runsc]
allowed = ["a higher priority", "real time"]
why = "gVisor's own kernel answers, within the container; the host's never hears of it"
"""

import resource

refused("setuid", lambda: os.setuid(0))
refused("setgid", lambda: os.setgid(0))
refused("groups", lambda: os.setgroups([0]))
refused("setreuid", lambda: os.setresuid(0, 0, 0))
absent(
    "capabilities", [line for line in open("/proc/self/status") if line.startswith("Cap") and int(line.split()[1], 16)]
)
absent("a way to gain privileges", [line for line in open("/proc/self/status") if line == "NoNewPrivs:\t0\n"])
refused("chown", lambda: os.chown("/tmp", 0, 0))
refused("a higher priority", lambda: os.setpriority(os.PRIO_PROCESS, 0, -20))
refused("real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(99)))
refused("real-time disk access", lambda: syscall("ioprio_set", 1, 0, 1 << 13))
for name in ("CORE", "MEMLOCK", "NICE", "RTPRIO", "SIGPENDING", "MSGQUEUE", "NOFILE"):
    limit = getattr(resource, f"RLIMIT_{name}")
    hard = resource.getrlimit(limit)[1]
    if hard == resource.RLIM_INFINITY:
        fell.append(f"no ceiling for {name}") if name in ("CORE", "MEMLOCK") else None
        continue

    def raised():
        try:
            resource.setrlimit(limit, (hard + 1, hard + 1))
        except ValueError as error:
            raise OSError(errno.EPERM, str(error)) from error

    refused(f"a higher limit of {name}", raised)
mine = os.sched_getaffinity(0)
try:
    os.sched_setaffinity(0, range(1024))
except OSError as error:
    note(f"all cores: {error.strerror}")
absent("cores of others", sorted(os.sched_getaffinity(0) - mine))
finish()
