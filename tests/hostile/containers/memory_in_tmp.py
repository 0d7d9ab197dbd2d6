"""Hides its memory in files of /tmp and /dev/shm.

expect = "MEMORY_LIMIT"
limits = {tmpfs_bytes = 67108864, shm_bytes = 67108864}
"""

for place in ("/tmp/fill", "/dev/shm/fill"):
    with open(place, "wb", 0) as file:
        for _ in range(40):
            file.write(bytes(1 << 20))
