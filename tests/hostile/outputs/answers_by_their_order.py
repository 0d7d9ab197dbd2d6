"""Answers only the first image, again and again, in time for none of the others.

expect = "NO_OUTPUT"
says = "1 of 3 images answered"
"""

ready()
hear()
say(GOOD)
