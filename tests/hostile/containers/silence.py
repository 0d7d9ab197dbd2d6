"""Never says a word.

expect = "START_TIMEOUT"
says = "within 0.5 s"
limits = {start_seconds = 0.5}
"""

time.sleep(600)
