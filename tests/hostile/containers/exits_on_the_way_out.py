"""Answers everything, and fails in what runs at its exit.

expect = "RUNTIME_ERROR"
says = "exit code 5 after all 2 images"
"""

import atexit

atexit.register(os._exit, 5)
echo()
