"""Leaves as many files of 1 MiB, all hole, as it may: more than /output can hold.

expect = "BAD_OUTPUT"
says = "/output"
contract = "batch"
"""

deliver()
for number in range(25):
    os.close(os.open(f"/output/x{number}", os.O_CREAT | os.O_WRONLY))
    os.truncate(f"/output/x{number}", 1 << 20)
