"""Leaves a label map that nobody may read.

expect = "OK"
says = "All 3 images"
contract = "batch"
"""

deliver()
with open(PLACE, "wb") as file:
    file.write(GOOD)
os.chmod(PLACE, 0)
os.chmod("/output", 0)
