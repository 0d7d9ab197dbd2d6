"""Answers with a palette whose colours say something else than its numbers.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "8-bit palette"]
"""

answer_second(png(header(colour=3), chunk(b"PLTE", bytes(range(255, -1, -1)) * 3), rows()))
