"""Leaves a symbolic link to /etc/passwd for a label map.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "is a symbolic link"]
contract = "batch"
"""

deliver()
os.symlink("/etc/passwd", PLACE)
