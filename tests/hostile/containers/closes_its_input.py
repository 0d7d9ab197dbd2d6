"""Closes its input while a large question is on its way.

expect = "IMAGE_TIME_LIMIT"
questions = [2, 1048576]
limits = {image_seconds = 0.5}
"""

os.close(0)
ready()
time.sleep(600)
