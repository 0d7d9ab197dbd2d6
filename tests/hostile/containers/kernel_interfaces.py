"""Opens the interfaces that most kernel exploits begin with: BPF, perf, userfaultfd, io_uring, keyrings.

expect = "OK"

[runsc]
allowed = ["perf", "io_uring", "another personality"]
why = "gVisor's own kernel answers, within the container; the host's never hears of it"
"""

attributes = struct.pack("<IIIII", 1, 4, 4, 1, 0).ljust(120, b"\0")
refused("a BPF map", lambda: syscall("bpf", 0, attributes, 120))
refused("a BPF program", lambda: syscall("bpf", 5, bytes(120), 120))
event = struct.pack("<IIQQQQQ", 1, 112, 0, 0, 0, 0, 1).ljust(112, b"\0")
refused("perf", lambda: syscall("perf_event_open", event, 0, -1, -1, 0))
refused("userfaultfd", lambda: syscall("userfaultfd", 0))
refused("userfaultfd for user mode", lambda: syscall("userfaultfd", 1))
refused("io_uring", lambda: syscall("io_uring_setup", 8, ctypes.create_string_buffer(120)))
refused("a key", lambda: syscall("add_key", b"user", b"parakh", b"x", 1, -3))
refused("asking for a key", lambda: syscall("request_key", b"user", b"parakh", 0, -3))
refused("a keyring", lambda: syscall("keyctl", 1, 0))
refused("the session's keyring", lambda: syscall("keyctl", 0, -3, 1, 0, 0))
refused("another personality", lambda: syscall("personality", 0x0400000))
refused("moving another's pages", lambda: syscall("migrate_pages", 1, 8, bytes(8), bytes(8)))
finish()
