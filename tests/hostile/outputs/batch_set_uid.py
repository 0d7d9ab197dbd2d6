"""Leaves a label map with every bit set.

expect = "OK"
says = "All 3 images"
contract = "batch"
"""

deliver()
with open(PLACE, "wb") as file:
    file.write(GOOD)
os.chmod(PLACE, 0o7777)
