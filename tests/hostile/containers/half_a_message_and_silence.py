"""Sends half an answer and waits.

expect = "IMAGE_TIME_LIMIT"
limits = {image_seconds = 0.5}
"""

ready()
hear()
os.write(1, struct.pack(">I", 1000) + b"half")
time.sleep(600)
