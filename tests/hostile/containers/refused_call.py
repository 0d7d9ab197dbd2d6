"""Makes a call that its filter answers with death or an error, and exits with the number of SIGSYS.

expect = "KILLED"
says = "SIGSYS"
"""

ready()
hear()
os._exit(128 + signal.SIGSYS)
