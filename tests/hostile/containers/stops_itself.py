"""A child stops itself in the middle of its answer and is never continued.

expect = "IMAGE_TIME_LIMIT"
says = "longer than 0.5 s"
limits = {image_seconds = 0.5}
"""

ready()
hear()
if fork() == 0:
    os.write(1, bytes([0, 0]))
    os.kill(os.getpid(), signal.SIGSTOP)
os.wait()
