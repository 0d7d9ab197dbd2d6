"""Leaves the dead unburied: each zombie holds its place.

expect = "PIDS_LIMIT"
says = "32 processes"

[runsc]
expect = "IMAGE_TIME_LIMIT"
says = []
limits = {image_seconds = 1.0}
why = "a zombie has no process of the host"
"""

ready()
hear()
while True:
    if fork() == 0:
        os._exit(0)
