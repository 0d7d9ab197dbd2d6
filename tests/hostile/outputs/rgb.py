"""Answers in colour.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "8-bit RGB"]
"""

answer_second(png(header(colour=2), rows(bytes(961))))
