"""Is ready in words of its own.

expect = "PROTOCOL"
says = "its first message must be"
"""

say(b'{"parakh": true, "ready": 1, "verdict": "OK"}')
time.sleep(600)
