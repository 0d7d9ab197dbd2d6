"""Its entry point is a folder.

expect = "RUNTIME_ERROR"
says = "could not be started"

[config]
Entrypoint = ["/usr"]
"""
