"""Answers byte by byte, each just before one would give up.

expect = "IMAGE_TIME_LIMIT"
says = "longer than 1 s"
limits = {image_seconds = 1.0}
"""

ready()
hear()
for byte in struct.pack(">I", 100) + bytes(100):
    os.write(1, bytes([byte]))
    time.sleep(0.2)
