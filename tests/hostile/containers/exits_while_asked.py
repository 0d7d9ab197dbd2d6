"""Exits with work open, as if all were well.

expect = "NO_OUTPUT"
says = "1 of 2 images answered"
"""

ready()
hear()
say(b"one")
hear()
os._exit(0)
