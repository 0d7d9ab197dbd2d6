"""Takes no memory but the kernel's tables of it: a page here and there in terabytes.

expect = "MEMORY_LIMIT"
"""

import mmap

spaces = []
while True:
    space = mmap.mmap(-1, 1 << 36, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
    for place in range(0, 1 << 36, 1 << 30):
        space[place] = 1
    spaces.append(space)
