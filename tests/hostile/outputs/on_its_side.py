"""Answers with a picture on its side.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "227 x 320"]
"""

answer_second(png(header(227, 320), rows(bytes(228), 320)))
