"""Opens sockets of every family but those for its own use: raw, packet, netlink, vsock (to the hypervisor), crypto.

expect = "OK"

[runsc]
allowed = ["netlink, kind 2", "netlink, kind 3"]
why = "gVisor's own network has a netlink, and knows no interface but its own"
"""

import socket

FAMILIES = {
    "packet": 17,
    "netlink": 16,
    "vsock": 40,
    "alg": 38,
    "key": 15,
    "bluetooth": 31,
    "can": 29,
    "rds": 21,
    "tipc": 30,
    "xdp": 44,
    "qipcrtr": 42,
    "smc": 43,
    "x25": 9,
    "ax25": 3,
}
for name, family in FAMILIES.items():
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        refused(
            f"{name}, kind {kind}",
            lambda: socket.socket(family, kind).close(),
            errno.EAFNOSUPPORT,
            errno.ESOCKTNOSUPPORT,
            errno.EPROTONOSUPPORT,
        )
refused("raw IP", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
refused("raw IPv6", lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6), errno.EAFNOSUPPORT)
finish()
