"""Packs 200 MB of rows into 200 kB, and claims 227 of them: no more are unpacked.

expect = "OK"
"""

answer_second(png(header(), chunk(b"IDAT", packed_zeros())))
