"""Looks for what the host forgot: engine sockets, tokens, other runs, open files, its parent's environment.

expect = "OK"
"""

import stat

PLACES = (
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/containerd",
    "/var/lib/docker",
    "/var/lib/containerd",
    "/run/secrets",
    "/var/run/secrets",
    "/root/.docker",
    "/root/.ssh",
    "/host",
    "/mnt/host",
    "/hostfs",
    "/rootfs",
    "/.dockerinit",
    "/proc/1/root/var/lib/docker",
    "/proc/1/cwd/../var/lib/docker",
    "/etc/kubernetes",
)
for place in PLACES:
    absent(place, os.path.exists(place))
said = open("/proc/1/environ", "rb").read().split(b"\0")
for word in (b"SECRET", b"TOKEN", b"PASSWORD", b"DJANGO", b"DATABASE", b"AWS_", b"proxy", b"PROXY"):
    absent(f"{word.decode()} in the environment", [each for each in said if word in each])
for handle in os.listdir("/proc/self/fd"):
    try:
        kind = os.stat(f"/proc/self/fd/{handle}").st_mode
    except OSError:
        continue  # the listing's own
    absent(f"open file {handle}", not stat.S_ISFIFO(kind) and os.readlink(f"/proc/self/fd/{handle}"))
for above in ("/proc/self/cwd", "/proc/self/root", "/..", "/../../.."):
    absent(
        f"another root at {above}",
        os.stat(f"{above}/etc/hostname").st_ino != os.stat("/etc/hostname").st_ino
        if above != "/proc/self/cwd"
        else False,
    )
found = {line.split()[1] for line in open("/proc/mounts") if line.split()[0].startswith("/dev/")}
absent("disks of the host", sorted(found - {"/etc/resolv.conf", "/etc/hostname", "/etc/hosts"}))
finish()
