"""Writes to /tmp and /dev/shm until there is no room.

expect = "OK"
"""


def fill(place):
    with open(f"{place}/fill", "wb", 0) as file:
        for count in range(64):
            try:
                if file.write(bytes(1 << 18)) < 1 << 18:
                    return count
            except OSError as error:
                note(f"{place} after {count}: {error.strerror}")
                return count
    return 64


for place in ("/tmp", "/dev/shm"):
    absent(f"more than 1 MiB in {place}", fill(place) > 4)
    os.unlink(f"{place}/fill")
finish()
