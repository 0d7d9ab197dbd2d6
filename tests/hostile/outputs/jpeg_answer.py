"""Answers with a JPEG.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "not a PNG"]
"""

answer_second(b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(500))
