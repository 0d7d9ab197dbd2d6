"""Answers with one bit a pixel.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "1-bit greyscale"]
"""

answer_second(png(header(depth=1), rows(bytes(41))))
