"""Fills POSIX message queues, which are no files and outlive their processes.

expect = "OK"
"""


class Attributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_long) for name in ("flags", "maxmsg", "msgsize", "curmsgs", "a", "b", "c", "d")]


made = 0
try:
    while made < 10_000:
        syscall(
            "mq_open", f"parakh{made}".encode(), os.O_CREAT | os.O_RDWR, 0o600, ctypes.byref(Attributes(0, 10, 8192))
        )
        made += 1
except OSError as error:
    note(f"after {made}: {error.strerror}")
absent("queues without an end", made >= 10_000)
finish()
