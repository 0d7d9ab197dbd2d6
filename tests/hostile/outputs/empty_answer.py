"""Answers with nothing.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "it is empty"]
"""

answer_second(b"")
