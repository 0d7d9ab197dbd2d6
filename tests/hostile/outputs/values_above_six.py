"""Answers with the values 7 to 255, which count as "no class".

expect = "OK"
"""

line = b"\0" + bytes(range(256)) + bytes(range(192, 256))
answer_second(png(header(), rows(line)))
