"""Takes memory for ever, before it is ready.

expect = "MEMORY_LIMIT"
says = "MiB before it was ready"
"""

hog = []
while True:
    hog.append(bytearray(1 << 20))
