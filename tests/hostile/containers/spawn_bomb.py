"""Spawns programs by vfork, as fast as it can.

expect = "PIDS_LIMIT"
says = "32 processes"
"""

ready()
hear()
while True:
    os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
