"""Answers with an animation of two pictures.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "animated"]
"""

answer_second(
    png(
        header(),
        chunk(b"acTL", struct.pack(">II", 2, 0)),
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 320, 227, 0, 0, 1, 10, 0, 0)),
        rows(),
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", 1, 320, 227, 0, 0, 1, 10, 0, 0)),
        chunk(b"fdAT", struct.pack(">I", 2) + zlib.compress((b"\1" + bytes(320)) * 227)),
    )
)
