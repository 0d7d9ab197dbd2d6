"""Leaves the dead unburied: each zombie holds its place.

expect = "PIDS_LIMIT"
says = "32 processes"
"""

ready()
hear()
while True:
    if fork() == 0:
        os._exit(0)
