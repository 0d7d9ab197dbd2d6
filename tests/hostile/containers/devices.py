"""Makes devices, and looks for those that lead out.

expect = "OK"
"""

for number, (major, minor) in enumerate(((8, 0), (253, 0), (254, 0), (1, 1), (10, 200), (10, 229), (7, 0))):
    for kind in (0o60600, 0o20600):
        refused(f"device {major}:{minor}", lambda: os.mknod(f"/tmp/disk{number}", kind, os.makedev(major, minor)))
refused("device by mknodat", lambda: syscall("mknodat", -100, b"/tmp/disk", 0o60600, os.makedev(8, 0)))
USUAL = {
    "core",
    "fd",
    "full",
    "mqueue",
    "null",
    "ptmx",
    "pts",
    "random",
    "shm",
    "stderr",
    "stdin",
    "stdout",
    "tty",
    "urandom",
    "zero",
    "console",
}
absent("unusual devices", sorted(set(os.listdir("/dev")) - USUAL))
finish()
