"""Writes to its log for ever.

expect = "LOG_LIMIT"
says = "16 KiB of log"
log = ["the first line", "left out"]
"""

note("the first line")
while True:
    os.write(2, b"noise " * 1000)
