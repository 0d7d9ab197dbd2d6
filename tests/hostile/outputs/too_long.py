"""Answers with a PNG of more than 1 MiB: a good picture, and a megabyte of noise behind it.

expect = "PROTOCOL"
says = "the ceiling is 1048576"
"""

answer_second(GOOD + os.urandom(1 << 20))
