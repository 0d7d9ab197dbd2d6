"""Answers with text.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "not a PNG"]
"""

answer_second(b"all road")
