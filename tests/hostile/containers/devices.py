"""Makes devices, and looks for those that lead out.

expect = "OK"

[runsc]
allowed = ["unusual devices"]
why = "gVisor has a /dev/fuse and a /dev/net/tun of its own kernel's"
"""


def device(kind, major, minor):
    """Makes it, and opens it: gVisor lets anybody make what leads nowhere."""
    place = f"/tmp/{kind}-{major}-{minor}"
    os.mknod(place, kind | 0o600, os.makedev(major, minor))
    os.close(os.open(place, os.O_RDWR))


for major, minor in ((8, 0), (253, 0), (254, 0), (259, 0), (1, 1), (1, 2), (10, 232), (7, 0)):
    for kind in (0o60000, 0o20000):
        refused(f"device {major}:{minor}", lambda: device(kind, major, minor), errno.ENXIO, errno.ENODEV)
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
