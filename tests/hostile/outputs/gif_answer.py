"""Answers with a GIF.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "not a PNG"]
"""

answer_second(b"GIF89a" + struct.pack("<HH", 320, 227) + bytes(500))
