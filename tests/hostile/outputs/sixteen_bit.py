"""Answers with 16 bits a pixel.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "16-bit greyscale"]
"""

answer_second(png(header(depth=16), rows(bytes(641))))
