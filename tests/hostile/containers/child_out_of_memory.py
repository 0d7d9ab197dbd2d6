"""Only a child runs out of memory; the parent answers everything and exits 0.

expect = "MEMORY_LIMIT"
says = "after all 2 images"
"""

if fork() == 0:
    hog = []
    while True:
        hog.append(bytearray(1 << 20))
os.wait()
finish()
