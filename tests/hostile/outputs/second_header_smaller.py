"""Has a second header that claims one pixel.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "second header"]
"""

answer_second(png(header(), header(1, 1), rows(bytes(2), 1)))
