"""Has a colour profile of 200 MB, packed into 200 kB.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "can't be decoded"]
"""

answer_second(png(header(), chunk(b"iCCP", b"p\0\0" + packed_zeros()), rows()))
