"""Declares one of its labels transparent.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "transparency"]
"""

answer_second(png(header(), chunk(b"tRNS", b"\0\0"), rows()))
