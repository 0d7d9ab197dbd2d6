"""Forks for ever.

expect = "PIDS_LIMIT"
says = "32 processes"
"""

ready()
hear()
while True:
    if fork() == 0:
        time.sleep(60)
