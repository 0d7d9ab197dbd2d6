"""Wants memory that can't be taken from it: locked, or in huge pages.

expect = "MEMORY_LIMIT"

[runsc]
allowed = ["huge pages"]
why = "gVisor takes huge pages for a wish"
"""

import mmap

refused("huge pages", lambda: mmap.mmap(-1, 2 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000), errno.ENOMEM)
if fell:
    os._exit(9)
libc.mlockall(7)
hog = []
while True:
    hog.append(bytearray(1 << 20))
