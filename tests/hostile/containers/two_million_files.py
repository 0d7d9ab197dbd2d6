"""Makes two million empty files.

expect = "OK"

[runsc]
expect = "MEMORY_LIMIT"
why = "this gVisor does not count files; each takes memory of the container"
"""

for place in ("/tmp", "/dev/shm"):
    made = 0
    try:
        while made < 2_000_000:
            os.close(os.open(f"{place}/{made}", os.O_CREAT | os.O_WRONLY))
            made += 1
    except OSError as error:
        note(f"{place} after {made}: {error.strerror}")
    absent(f"more files than allowed in {place}", made > 32)
finish()
