"""Leaves a directory.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "is a directory"]
contract = "batch"
"""

deliver()
os.mkdir(PLACE)
