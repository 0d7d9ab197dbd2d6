"""Has 40,000 texts beside its picture, to keep the reader busy.

expect = "OK"
"""

answer_second(png(header(), *[chunk(b"tEXt", b"a\0" + bytes(9))] * 40000, rows()))
