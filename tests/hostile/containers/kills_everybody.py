"""Sends SIGKILL to all it can reach, its own first process as well.

expect = "OK"

[runsc]
expect = "RUNTIME_ERROR"
says = "exit code 137"
why = "gVisor's first process can be killed from within"
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
