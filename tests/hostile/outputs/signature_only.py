"""Answers with the first eight bytes of a PNG.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "within the PNG header"]
"""

answer_second(SIGNATURE)
