"""Leaves a daemon behind: double fork, own session, every signal blocked, streams closed.

expect = "OK"
"""

if fork() == 0:
    os.setsid()
    if fork() == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        os.closerange(0, 3)
        time.sleep(600)
    os._exit(0)
os.wait()
finish()
