"""Leaves an empty file.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "it is empty"]
contract = "batch"
"""

deliver()
open(PLACE, "w").close()
