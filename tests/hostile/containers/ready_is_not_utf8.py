"""Is ready in bytes that are no text.

expect = "PROTOCOL"
says = "its first message must be"
"""

say(b"\xff\xfe\0\x1b[2J")
time.sleep(600)
