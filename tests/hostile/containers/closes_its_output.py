"""Closes stdout and stderr and goes on running.

expect = "IMAGE_TIME_LIMIT"
limits = {image_seconds = 0.5}
"""

ready()
hear()
os.close(1)
os.close(2)
time.sleep(600)
