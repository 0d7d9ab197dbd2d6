"""Makes itself root in a user namespace, and every other namespace from there.

expect = "OK"

[runsc]
allowed = [
    "unshare user", "unshare mnt", "unshare pid", "enter pid of the first process", "unshare net",
    "enter net of the first process", "unshare ipc", "unshare uts", "unshare cgroup", "unshare time",
    "hostname", "domain name",
]
why = "gVisor's own kernel answers, within the container; the host's never hears of it"
"""

KINDS = {
    "user": 0x10000000,
    "mnt": 0x20000,
    "pid": 0x20000000,
    "net": 0x40000000,
    "ipc": 0x8000000,
    "uts": 0x4000000,
    "cgroup": 0x2000000,
    "time": 0x80,
}
for name, flag in KINDS.items():
    refused(f"unshare {name}", lambda: syscall("unshare", flag))
    refused(f"unshare user and {name}", lambda: syscall("unshare", 0x10000000 | flag))
    if name != "user":
        refused(
            f"enter {name} of the first process",
            lambda: syscall("setns", os.open(f"/proc/1/ns/{name}", os.O_RDONLY), flag),
            errno.ENOENT,
        )


def clone_into_user_namespace():
    child = syscall("clone", 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    return child


refused("clone into a user namespace", clone_into_user_namespace)
refused("hostname", lambda: syscall("sethostname", b"evil", 4))
refused("domain name", lambda: syscall("setdomainname", b"evil", 4))
finish()
