"""Every child forks as well, until nothing can.

expect = "PIDS_LIMIT"
says = "32 processes"

[runsc]
limits = {memory_bytes = 2147483648}
why = "gVisor's processes need more memory"
"""

ready()
hear()
while True:
    try:
        fork()
    except OSError:
        time.sleep(0.5)
        os._exit(1)
