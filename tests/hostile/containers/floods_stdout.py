"""Floods stdout before it is ready, as fast as it can.

expect = "PROTOCOL"
"""

while True:
    os.write(1, b"verdict: OK\n" * 5000)
