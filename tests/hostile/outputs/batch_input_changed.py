"""Writes to its input.

expect = "RUNTIME_ERROR"
says = "exit code 1"
contract = "batch"
"""

deliver()
open("/input/000001.jpg", "wb")
