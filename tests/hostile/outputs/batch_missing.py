"""Leaves out one image.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "000002.png is missing"]
contract = "batch"
"""

deliver()
