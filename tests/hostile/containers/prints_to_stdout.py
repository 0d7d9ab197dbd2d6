"""Prints, where messages are expected.

expect = "PROTOCOL"
says = "print to stderr"
"""

print("loading weights: 100 %", flush=True)
time.sleep(600)
