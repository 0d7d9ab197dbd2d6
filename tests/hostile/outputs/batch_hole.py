"""Leaves a file of 8 TiB that is one hole.

expect = "BAD_OUTPUT"
says = ["8796093022208 bytes"]
contract = "batch"
"""

deliver()
os.close(os.open(PLACE, os.O_CREAT | os.O_WRONLY))
os.truncate(PLACE, 1 << 43)
