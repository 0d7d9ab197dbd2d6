"""Has a colour type that there is not.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "8-bit unknown"]
"""

answer_second(png(header(colour=1), rows()))
