"""Has a second header that claims 12,000 x 12,000 pixels.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "second header"]
"""

answer_second(png(header(), header(12000, 12000), rows()))
