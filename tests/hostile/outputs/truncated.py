"""Ends in the middle of its picture.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "can't be decoded"]
"""

answer_second(GOOD[: len(GOOD) // 2])
