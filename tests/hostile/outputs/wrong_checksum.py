"""Has a wrong checksum over its header.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "chunks are damaged or missing"]
"""

answer_second(GOOD[:29] + bytes(4) + GOOD[33:])
