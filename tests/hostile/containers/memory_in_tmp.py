"""Hides its memory in files of /tmp and /dev/shm.

expect = "MEMORY_LIMIT"
limits = {tmpfs_bytes = 268435456, shm_bytes = 268435456}
"""

for place in ("/tmp/fill", "/dev/shm/fill"):
    with open(place, "wb", 0) as file:
        for _ in range(100):
            file.write(bytes(1 << 20))
