"""Its entry point does not exist.

expect = "RUNTIME_ERROR"
says = "could not be started"

[config]
Entrypoint = ["/no/such/program"]
"""
