"""Gives two answers to one question.

expect = "PROTOCOL"
says = "more than one message"
"""

ready()
hear()
os.write(1, (struct.pack(">I", 1) + b"x") * 2)
time.sleep(600)
