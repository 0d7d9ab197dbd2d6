"""Raises its own ceilings, or leaves them, in the file system of the cgroups.

expect = "OK"
"""

FILES = (
    "cgroup.procs",
    "tasks",
    "release_agent",
    "notify_on_release",
    "memory.limit_in_bytes",
    "memory.max",
    "pids.max",
    "cpu.cfs_quota_us",
    "cpu.max",
    "cpuset.cpus",
    "devices.allow",
    "cgroup.subtree_control",
)
for folder, _, files in os.walk("/sys/fs/cgroup"):
    for file in files:
        if file in FILES:
            path = os.path.join(folder, file)
            refused(path, lambda: os.close(os.open(path, os.O_WRONLY)))
    refused(f"a group in {folder}", lambda: os.mkdir(f"{folder}/parakh"), errno.ENOENT)
refused("a cgroup tree of its own", lambda: syscall("mount", b"none", b"/tmp", b"cgroup", 0, b"memory"))
refused("a cgroup2 tree of its own", lambda: syscall("mount", b"none", b"/tmp", b"cgroup2", 0, None))
finish()
