"""Writes to /output until there is no room, and fails of it.

expect = "OUTPUT_LIMIT"
says = "/output"
contract = "batch"
"""

deliver()
with open("/output/fill", "wb", 0) as file:
    while file.write(bytes(1 << 16)):
        pass
