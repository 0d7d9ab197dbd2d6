"""Answers "no class" for every pixel of every image: a score of 0, and no way round it.

expect = "OK"
"""

ready()
while hear() is not None:
    say(png(header(), rows(b"\0" + b"\xff" * 320)))
