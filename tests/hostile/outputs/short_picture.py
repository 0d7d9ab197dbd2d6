"""Has fewer rows than it claims.

expect = "BAD_OUTPUT"
says = ["Answer 2 of 3", "has fewer rows than it says"]
"""

answer_second(png(header(), rows(count=100)))
