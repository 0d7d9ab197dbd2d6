"""Answers with as much as it may, each time.

expect = "OK"
questions = [6, 1048576]
"""

finish()
