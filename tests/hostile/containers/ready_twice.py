"""Says twice that it is ready, in one breath.

expect = "PROTOCOL"
says = "answered before it was asked"
"""

message = b'{"parakh": 1, "ready": true}'
os.write(1, (struct.pack(">I", len(message)) + message) * 2)
time.sleep(600)
