"""Makes a folder in a folder in a folder, for ever.

expect = "OK"

[runsc]
expect = "MEMORY_LIMIT"
why = "this gVisor does not count files; each takes memory of the container"
"""

os.chdir("/tmp")
depth = 0
try:
    while depth < 100_000:
        os.mkdir("d")
        os.chdir("d")
        depth += 1
except OSError as error:
    note(f"after {depth}: {error.strerror}")
absent("more folders than allowed", depth > 32)
finish()
