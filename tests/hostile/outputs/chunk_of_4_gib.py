"""Has a chunk that claims 4 GiB.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "can't be decoded"]
"""

answer_second(SIGNATURE + header() + b"\xff\xff\xff\xfftEXt" + bytes(100))
