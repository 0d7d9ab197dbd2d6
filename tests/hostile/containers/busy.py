"""Is busy with nothing.

expect = "CPU_LIMIT"
says = "0.5 s of CPU time"
limits = {cpu_seconds = 0.5}
"""

while True:
    pass
