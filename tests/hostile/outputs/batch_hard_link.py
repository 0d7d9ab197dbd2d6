"""Leaves one label map under two names.

expect = "BAD_OUTPUT"
says = "Answer"
contract = "batch"
"""

deliver()
os.link("/output/000001.png", PLACE)
