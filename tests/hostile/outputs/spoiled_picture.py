"""Has noise where its picture should be.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "can't be decoded"]
"""

answer_second(png(header(), chunk(b"IDAT", os.urandom(2000))))
