"""Sends SIGKILL to all it can reach, its own first process as well.

expect = "OK"
"""

if fork() == 0:
    os.kill(1, signal.SIGKILL)
    os.kill(1, signal.SIGSTOP)
    os._exit(0)
os.wait()
try:
    os.kill(-1, signal.SIGKILL)
except ProcessLookupError:
    pass
finish()
