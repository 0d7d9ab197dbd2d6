"""Gives one answer more than there were questions.

expect = "PROTOCOL"
says = "after its last answer"
"""

ready()
while hear() is not None:
    say(b"x")
say(b"one more")
time.sleep(600)
