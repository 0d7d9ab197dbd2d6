"""Answers everything and does not end, whatever signal it gets.

expect = "TIME_LIMIT"
says = "1.5 s"
limits = {total_seconds = 1.5}
"""

signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
echo()
while True:
    time.sleep(600)
