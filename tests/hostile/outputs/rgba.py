"""Answers in colour, with alpha.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "RGB with alpha"]
"""

answer_second(png(header(colour=6), rows(bytes(1281))))
