"""Takes every inotify instance its user may have: the host counts them by user, not by container.

expect = "OK"
"""

made = 0
while libc.inotify_init1(0) >= 0:
    made += 1
    absent("an end to it", made > 100_000)
    if fell:
        break
note(f"{made} instances")
finish()
