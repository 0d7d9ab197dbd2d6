"""Is upside down, by an EXIF entry hidden in a text.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "rotated"]
"""

answer_second(
    png(
        header(),
        chunk(
            b"zTXt",
            b"Raw profile type exif\0\0"
            + zlib.compress(
                b"\nexif\n      32\n"
                + (b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\3\0\0\0\0\0\0").hex().encode()
            ),
        ),
        rows(),
    )
)
