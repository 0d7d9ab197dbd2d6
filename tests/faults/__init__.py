"""What dies, and what must not be lost: real processes are killed, stopped and starved. See cases.py.

`make faults MINUTES=10` repeats the cases at random, on each set of services, and prints a table.
"""
