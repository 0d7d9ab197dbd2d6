"""Leaves something for the next run in every place that lasts longer than a process.

expect = "OK"
runs = 2
"""

absent("a note in /tmp", os.listdir("/tmp"))
absent("a note in /dev/shm", os.listdir("/dev/shm"))
try:
    absent("a System V segment", syscall("shmget", 0x7061, 4096, 0))
except OSError:
    syscall("shmget", 0x7061, 4096, 0o1600)
import socket

door = socket.socket(socket.AF_UNIX)
refused("the next run's socket", lambda: socket.socket(socket.AF_UNIX).connect("\0parakh"), errno.ECONNREFUSED)
door.bind("\0parakh")
door.listen()
for place in ("/tmp/note", "/dev/shm/note"):
    with open(place, "w") as file:
        file.write("the third answer is road")
finish()
