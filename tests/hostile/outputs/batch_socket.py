"""Leaves a socket.

expect = "BAD_OUTPUT"
says = "Answer 2 of 3"
contract = "batch"
"""

deliver()
import socket

socket.socket(socket.AF_UNIX).bind(PLACE)
