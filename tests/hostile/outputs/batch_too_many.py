"""Leaves files until there may be no more, and carries on as if nothing were.

expect = "OUTPUT_LIMIT"
says = "/output"
contract = "batch"
"""

deliver()
try:
    for number in range(100_000):
        open(f"/output/{number}", "w").close()
except OSError:
    pass
