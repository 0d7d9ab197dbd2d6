"""Leaves a device.

expect = "RUNTIME_ERROR"
says = "exit code 1"
contract = "batch"
"""

deliver()
os.mknod(PLACE, 0o60644, os.makedev(8, 0))
