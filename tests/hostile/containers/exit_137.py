"""Exits with 137, as if it had been killed for its memory.

expect = "RUNTIME_ERROR"
says = "exit code 137"
"""

ready()
hear()
os._exit(137)
