"""Never reads its large question: writer and reader would wait for each other.

expect = "IMAGE_TIME_LIMIT"
questions = [2, 1048576]
limits = {image_seconds = 0.5}
"""

ready()
time.sleep(600)
