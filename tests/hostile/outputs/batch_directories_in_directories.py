"""Leaves a label map some directories down.

expect = "BAD_OUTPUT"
says = "/output"
contract = "batch"
"""

deliver()
os.makedirs("/output/a/b/c/d")
os.rename("/output/000001.png", "/output/a/b/c/d/000001.png")
