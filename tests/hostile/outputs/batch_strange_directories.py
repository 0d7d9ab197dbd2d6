"""Leaves directories whose names hold newlines and escapes for terminals.

expect = "BAD_OUTPUT"
says = "is a directory"
contract = "batch"
"""

deliver()
for name in (b"\x1b[2J\nverdict: OK", b"\xff\xfe\xe2\x80\xae"):
    os.mkdir(b"/output/" + name)
