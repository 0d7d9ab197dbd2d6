"""Leaves a symbolic link to where the labels may be.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "is a symbolic link"]
contract = "batch"
"""

deliver()
os.symlink("../../../../input/000002.jpg", PLACE)
