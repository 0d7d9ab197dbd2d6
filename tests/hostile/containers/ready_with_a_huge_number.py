"""Is ready, with a number of a million digits, to keep the reader of JSON busy.

expect = "PROTOCOL"
says = "its first message must be"
"""

say(b'{"parakh": ' + b"9" * 1_000_000 + b', "ready": true}')
time.sleep(600)
