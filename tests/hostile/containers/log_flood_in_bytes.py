"""Writes to its log byte by byte, so that each costs a frame.

expect = "LOG_LIMIT"
"""

while True:
    os.write(2, b"x")
