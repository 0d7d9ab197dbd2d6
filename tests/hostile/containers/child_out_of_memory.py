"""Only a child runs out of memory; the parent answers everything and exits 0.

expect = "MEMORY_LIMIT"
says = "after all 2 images"

[runsc]
says = "and wanted more"
why = "all processes are one for the host: it ends them together"
"""

if fork() == 0:
    hog = []
    while True:
        hog.append(bytearray(1 << 20))
os.wait()
finish()
