"""Delivers everything, and does not end.

expect = "TIME_LIMIT"
says = "2 s"
contract = "batch"
limits = {total_seconds = 2.0}
"""

deliver()
time.sleep(600)
