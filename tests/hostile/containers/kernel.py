"""Asks the kernel for what only its owner may: modules, another kernel, a reboot, its log, its clock.

expect = "OK"

[runsc]
allowed = ["the kernel's log"]
why = "the log is that of gVisor's own kernel"
"""

refused("module", lambda: syscall("init_module", bytes(64), 64, b""))
refused("module from a file", lambda: syscall("finit_module", 0, b"", 0))
refused("removing a module", lambda: syscall("delete_module", b"overlay", 0))
refused("kexec", lambda: syscall("kexec_load", 0, 0, 0, 0))
refused("kexec from a file", lambda: syscall("kexec_file_load", 0, 0, 0, b"", 0))
refused("reboot", lambda: syscall("reboot", 0xFEE1DEAD, 672274793, 0x1234567, 0))
refused("the kernel's log", lambda: syscall("syslog", 3, ctypes.create_string_buffer(100), 100))
refused("clearing the kernel's log", lambda: syscall("syslog", 5, 0, 0))
refused("clock", lambda: time.clock_settime(time.CLOCK_REALTIME, 0))
refused("clock by the old call", lambda: syscall("settimeofday", struct.pack("<qq", 0, 0), 0))
tuning = ctypes.create_string_buffer(struct.pack("<I", 0x4000) + bytes(252))
refused("clock tuning", lambda: syscall("adjtimex", tuning))
refused("clock tuning by number", lambda: syscall("clock_adjtime", 0, tuning))
refused("hanging up the terminal", lambda: syscall("vhangup"))
if os.uname().machine == "x86_64":
    refused(
        "ports",
        lambda: 0 if libc.ioperm(0x80, 1, 1) == 0 else (_ for _ in ()).throw(OSError(ctypes.get_errno(), "refused")),
    )
    refused(
        "all ports", lambda: 0 if libc.iopl(3) == 0 else (_ for _ in ()).throw(OSError(ctypes.get_errno(), "refused"))
    )
finish()
