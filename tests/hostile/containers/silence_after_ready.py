"""Is ready, and answers nothing.

expect = "IMAGE_TIME_LIMIT"
says = "longer than 0.5 s"
limits = {image_seconds = 0.5}
"""

ready()
time.sleep(600)
