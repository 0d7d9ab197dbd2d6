"""Sends half a header and dies.

expect = "PROTOCOL"
says = "in the middle of a message"
"""

ready()
hear()
os.write(1, b"\0\0")
