"""Opens pseudo-terminals until there are no more: the host has 4096 for everybody.

expect = "OK"
"""

opened = []
try:
    while len(opened) < 10_000:
        opened.append(os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY))
except OSError as error:
    note(f"after {len(opened)}: {error.strerror}")
absent("all terminals of the host", len(opened) > 4000)
finish()
