"""Hides its memory in full sockets: buffers of the kernel, in nobody's address space.

expect = "MEMORY_LIMIT"
"""

import socket

pairs = []
while True:
    pairs.append(socket.socketpair())
    pairs[-1][0].setblocking(False)
    try:
        while True:
            pairs[-1][0].send(bytes(1 << 14))
    except BlockingIOError:
        pass
