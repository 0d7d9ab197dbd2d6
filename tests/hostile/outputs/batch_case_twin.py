"""Leaves 000002.PNG.

expect = "BAD_OUTPUT"
says = "was not asked for"
contract = "batch"
"""

deliver()
with open("/output/000002.PNG", "wb") as file:
    file.write(GOOD)
