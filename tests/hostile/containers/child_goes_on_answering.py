"""The first process ends and leaves the answering to a child.

expect = "NO_OUTPUT"
says = "1 of 2 images answered"
"""

ready()
hear()
say(b"first")
if fork() == 0:
    os.setsid()
    hear()
    time.sleep(0.3)
    say(b"second")
    time.sleep(60)
os._exit(0)
