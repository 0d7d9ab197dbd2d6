"""Answers with a picture of another size.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "319 x 227; 320 x 227 or 256 x 128 is needed"]
"""

answer_second(png(header(319), rows(bytes(320))))
