"""Opens a file a million times and never closes it.

expect = "OK"
"""

opened = []
try:
    while len(opened) < 1_000_000:
        opened.append(os.open("/dev/null", os.O_RDONLY))
except OSError as error:
    note(f"after {len(opened)}: {error.strerror}")
absent("a million open files", len(opened) > 70_000)
for handle in opened:
    os.close(handle)
finish()
