"""Answers with a header and no picture.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "can't be decoded"]
"""

answer_second(png(header()))
