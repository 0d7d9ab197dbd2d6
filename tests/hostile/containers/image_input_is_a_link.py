"""Its /input is a link to its root, over which our files would be laid.

expect = "RUNTIME_ERROR"
says = "could not be started"
contract = "batch"
build = "ln -s / /input"
"""
