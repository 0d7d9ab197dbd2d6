"""Floods stdout with empty messages.

expect = "PROTOCOL"
"""

ready()
hear()
while True:
    os.write(1, bytes(1 << 16))
