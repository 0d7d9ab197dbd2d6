"""Hides its memory in System V segments, which outlive their processes.

expect = "MEMORY_LIMIT"
"""

libc.shmat.restype = ctypes.c_void_p
while True:
    if fork() == 0:
        place = libc.shmat(syscall("shmget", 0, 4 << 20, 0o1600), None, 0)
        ctypes.memset(place, 1, 4 << 20)
        os._exit(0)
    os.wait()
