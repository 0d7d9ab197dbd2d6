"""Lets a child spin on its core while it waits to be asked.

expect = "CPU_LIMIT"
limits = {cpu_seconds = 0.5}
"""

if fork() == 0:
    while True:
        pass
ready()
while hear() is not None:
    time.sleep(0.6)
    say(b"x")
