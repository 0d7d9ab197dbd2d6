"""Claims a picture of 2,147,483,647 x 2,147,483,647 pixels.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "2147483647 x 2147483647"]
"""

answer_second(png(header(2**31 - 1, 2**31 - 1), rows()))
