"""Is ready and gives all answers at once, asked or not.

expect = "PROTOCOL"
"""

message = b'{"parakh": 1, "ready": true}'
os.write(1, struct.pack(">I", len(message)) + message + (struct.pack(">I", 1) + b"x") * 2)
time.sleep(600)
