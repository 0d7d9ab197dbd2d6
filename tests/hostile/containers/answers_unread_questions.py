"""Answers large questions without reading them.

expect = "PROTOCOL"
questions = [20, 1048576]
"""

ready()
while True:
    say(b"x")
    time.sleep(0.01)
