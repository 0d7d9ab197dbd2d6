"""Looks into other processes and takes hold of them: ptrace, their memory, their files.

expect = "OK"

[runsc]
allowed = ["ptrace attach to a child", "ptrace me"]
why = "gVisor's own kernel answers, within the container; the host's never hears of it"
"""

child = fork()
if child == 0:
    time.sleep(60)
time.sleep(0.05)
refused("ptrace attach to the first process", lambda: syscall("ptrace", 16, 1, 0, 0))
refused("ptrace attach to a child", lambda: syscall("ptrace", 16, child, 0, 0))
refused("ptrace seize of a child", lambda: syscall("ptrace", 0x4206, child, 0, 0))
refused("ptrace me", lambda: syscall("ptrace", 0, 0, 0, 0))
place = ctypes.create_string_buffer(8)
vector = struct.pack("<QQ", ctypes.addressof(place), 8)
refused("memory of a child", lambda: syscall("process_vm_readv", child, vector, 1, vector, 1, 0))
refused("writing memory of a child", lambda: syscall("process_vm_writev", child, vector, 1, vector, 1, 0))
refused("comparing processes", lambda: syscall("kcmp", os.getpid(), child, 0, 0, 0))
os.kill(child, signal.SIGKILL)
absent(
    "processes of others",
    [name for name in os.listdir("/proc") if name.isdigit() and int(name) not in (os.getpid(), child)],
)
finish()
