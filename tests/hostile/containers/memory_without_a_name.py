"""Hides its memory in files that have no name (memfd).

expect = "MEMORY_LIMIT"
"""

hidden = os.memfd_create("hidden")
while True:
    os.write(hidden, bytes(1 << 20))
