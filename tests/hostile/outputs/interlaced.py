"""Answers with an interlaced PNG, which is a label map like any other.

expect = "OK"
"""

raw = b""
for x, y, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
    raw += (b"\0" + bytes(len(range(x, 320, dx)))) * len(range(y, 227, dy))
answer_second(png(header(interlace=1), chunk(b"IDAT", zlib.compress(raw))))
