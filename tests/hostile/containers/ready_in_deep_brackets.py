"""Is ready, in a million brackets, to break the reader of JSON.

expect = "PROTOCOL"
says = "its first message must be"
"""

say(b"[" * (1 << 20))
time.sleep(600)
