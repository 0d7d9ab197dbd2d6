"""Claims a picture of no size.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "0 x 0"]
"""

answer_second(png(header(0, 0), rows()))
