"""Leaves a FIFO: who opens it waits for ever.

expect = "BAD_OUTPUT"
says = "Answer 2 of 3"
contract = "batch"
"""

deliver()
try:
    os.mkfifo(PLACE)
except OSError as error:
    note(f"a FIFO: {error.strerror}")
