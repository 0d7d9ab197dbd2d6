"""Is busy with nothing in many short-lived processes, so that each alone used little.

expect = "CPU_LIMIT"
says = "0.5 s of CPU time"
limits = {cpu_seconds = 0.5}
"""

while True:
    if fork() == 0:
        end = time.process_time() + 0.02
        while time.process_time() < end:
            pass
        os._exit(0)
    os.wait()
