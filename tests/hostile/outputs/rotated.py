"""Is upside down, by an EXIF entry.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "rotated"]
"""

answer_second(png(header(), chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\3\0\0\0\0\0\0"), rows()))
