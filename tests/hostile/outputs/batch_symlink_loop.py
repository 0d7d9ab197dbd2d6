"""Leaves a symbolic link to itself.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "is a symbolic link"]
contract = "batch"
"""

deliver()
os.symlink(PLACE, PLACE)
