"""Leaves one file more than it was asked for.

expect = "BAD_OUTPUT"
says = "was not asked for"
contract = "batch"
"""

deliver()
for name in ("000002.png", "000004.png"):
    with open(f"/output/{name}", "wb") as file:
        file.write(GOOD)
