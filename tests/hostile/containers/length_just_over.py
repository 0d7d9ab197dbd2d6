"""Announces a message of one byte more than it may have.

expect = "PROTOCOL"
says = "announces 1048577 bytes; the ceiling is 1048576"
"""

ready()
hear()
say(bytes((1 << 20) + 1))
