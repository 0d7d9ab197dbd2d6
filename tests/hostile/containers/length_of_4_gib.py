"""Announces a message of 4 GiB, and starts to send it.

expect = "PROTOCOL"
says = "announces 4294967295 bytes"
"""

ready()
hear()
os.write(1, b"\xff\xff\xff\xff")
while True:
    os.write(1, bytes(1 << 16))
