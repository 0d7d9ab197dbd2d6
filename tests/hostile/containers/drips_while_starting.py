"""Gets ready byte by byte.

expect = "START_TIMEOUT"
says = "within 1 s"
limits = {start_seconds = 1.0}
"""

for byte in struct.pack(">I", 100) + bytes(100):
    os.write(1, bytes([byte]))
    time.sleep(0.2)
