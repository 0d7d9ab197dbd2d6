"""Leaves a daemon behind that changes the label maps after its end.

expect = "OK"
says = "All 3 images"
contract = "batch"
"""

deliver()
with open(PLACE, "wb") as file:
    file.write(GOOD)
if fork() == 0:
    os.setsid()
    while True:
        time.sleep(0.3)
        with open(PLACE, "wb") as file:
            file.write(b"changed my mind")
os._exit(0)
