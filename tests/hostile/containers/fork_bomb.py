"""Forks for ever.

expect = "PIDS_LIMIT"
says = "32 processes"

[runsc]
limits = {memory_bytes = 2147483648}
why = "gVisor's processes need more memory"
"""

ready()
hear()
while True:
    if fork() == 0:
        time.sleep(60)
