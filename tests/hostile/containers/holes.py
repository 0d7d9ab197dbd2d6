"""Makes files of terabytes that take no room.

expect = "OK"
"""

for place in ("/tmp/hole", "/dev/shm/hole"):
    os.close(os.open(place, os.O_CREAT | os.O_WRONLY))
    try:
        os.truncate(place, 1 << 42)
    except OSError as error:
        note(error.strerror)
    file = os.open(place, os.O_WRONLY)
    refused(
        f"to fill {place}", lambda: os.posix_fallocate(file, 0, 1 << 40), errno.ENOSPC, errno.EFBIG, errno.EOPNOTSUPP
    )
finish()
