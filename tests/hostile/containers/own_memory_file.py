"""Writes to memory it may only read, by way of /proc/self/mem: its own copy, never the file of the image.

expect = "OK"
"""

import mmap

with open("/etc/passwd", "rb") as file:
    view = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ)
place = ctypes.c_char_p.from_buffer
start = next(int(line.split("-")[0], 16) for line in open("/proc/self/maps") if line.rstrip().endswith("/etc/passwd"))
try:
    with open("/proc/self/mem", "r+b", 0) as memory:
        memory.seek(start)
        memory.write(b"evil")
except OSError as error:
    note(error.strerror)
absent("a change of the file", open("/etc/passwd", "rb").read(4) != b"root")
refused(
    "memory of the first process's starter",
    lambda: open("/proc/1/mem", "r+b").close() if os.getpid() != 1 else os.open("/proc/0/mem", os.O_RDWR),
    errno.ENOENT,
)
finish()
