"""Answers at the scoring size, as it may.

expect = "OK"
"""

answer_second(png(header(256, 128), rows(bytes(257), 128)))
