"""Answers in grey, with alpha.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "greyscale with alpha"]
"""

answer_second(png(header(colour=4), rows(bytes(641))))
