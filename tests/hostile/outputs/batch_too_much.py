"""Writes to /output until there is no room, and carries on as if nothing were.

expect = "OUTPUT_LIMIT"
says = "/output"
contract = "batch"
"""

deliver()
try:
    with open("/output/fill", "wb", 0) as file:
        while True:
            file.write(bytes(1 << 16))
except OSError:
    pass
