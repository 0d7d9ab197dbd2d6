"""Claims a picture of 20,000 x 20,000 pixels.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "20000 x 20000"]
"""

answer_second(png(header(20000, 20000), rows()))
