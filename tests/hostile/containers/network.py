"""Calls the internet, the cloud's metadata, the engine's bridge, a name server and its neighbours.

expect = "OK"
"""

import socket

NOWHERE = (
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.ECONNREFUSED,
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
    errno.ENETDOWN,
)


def reach(family, kind, address):
    with socket.socket(family, kind) as probe:
        probe.settimeout(1)
        probe.connect(address)
        if kind == socket.SOCK_DGRAM:
            probe.send(b"x")
            probe.recv(1)


for address in ("1.1.1.1", "169.254.169.254", "172.17.0.1", "10.0.0.1", "192.168.1.1", "127.0.0.1"):
    for port in (22, 53, 80, 2375, 2376, 5432, 6379):
        refused(f"{address}:{port}", lambda: reach(socket.AF_INET, socket.SOCK_STREAM, (address, port)), *NOWHERE)
refused("UDP", lambda: reach(socket.AF_INET, socket.SOCK_DGRAM, ("1.1.1.1", 53)), *NOWHERE)
refused("IPv6", lambda: reach(socket.AF_INET6, socket.SOCK_STREAM, ("2606:4700:4700::1111", 53)), *NOWHERE)
try:
    absent("a name", socket.getaddrinfo("example.org", 80))
except socket.gaierror as error:
    note(str(error))
refused(
    "an abstract socket of the host's",
    lambda: reach(socket.AF_UNIX, socket.SOCK_STREAM, "\0/containerd-shim"),
    *NOWHERE,
)
absent("sockets of others", open("/proc/net/unix").read().splitlines()[1:])
absent(
    "interfaces", [line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line and "lo:" not in line]
)
finish()
