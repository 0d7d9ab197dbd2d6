"""Leaves names with newlines, escapes, marks that turn the line around, and bytes that are no text.

expect = "BAD_OUTPUT"
says = "was not asked for"
contract = "batch"
"""

deliver()
for name in (b"a\nb.png", b"\x1b[2J", b"..png", b"\xff\xfe", b"-rf", "\u202egnp.200000".encode(), b"x" * 255):
    open(b"/output/" + name, "wb").close()
