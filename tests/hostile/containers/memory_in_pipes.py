"""Hides its memory in full pipes: pages of the kernel, in nobody's address space.

expect = "MEMORY_LIMIT"
"""

import fcntl

pipes = []
while True:
    pipes.append(os.pipe())
    try:
        fcntl.fcntl(pipes[-1][1], 1031, 1 << 20)
    except OSError:
        pass
    os.set_blocking(pipes[-1][1], False)
    try:
        while True:
            os.write(pipes[-1][1], bytes(1 << 16))
    except BlockingIOError:
        pass
