"""Its health check runs a program of its own ten times a second.

expect = "OK"

[config]
Healthcheck = {Test = ["CMD-SHELL", "touch /tmp/healthy; sleep 60"], Interval = 1000000, Timeout = 1000000, Retries = 1}
"""

time.sleep(0.5)
absent("a trace of the health check", os.listdir("/tmp"))
absent("its processes", [name for name in os.listdir("/proc") if name.isdigit() and name != str(os.getpid())])
finish()
