"""Calls the kernel by its 32-bit and x32 doors, where a filter of 64-bit numbers sees something else.

expect = "OK"
"""

import mmap


def through_the_old_door():
    """getpid by int 0x80, in machine code of its own: a number if it was let through."""
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\0\0\0\xcd\x80\xc3")
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()


def in_a_child(call):
    """1 if a child's call was answered, 0 if it was refused or the child died of it."""
    child = fork()
    if child == 0:
        os._exit(call() > 0)
    return os.waitstatus_to_exitcode(os.wait()[1]) == 1


if os.uname().machine == "x86_64":
    absent("a 32-bit call", in_a_child(through_the_old_door))
    absent("an x32 call", in_a_child(lambda: libc.syscall(ctypes.c_long(0x40000000 | 39))))
finish()
