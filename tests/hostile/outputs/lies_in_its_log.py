"""Writes escapes for terminals, NULs, bytes that are no text and a verdict to its log, and then a bad answer.

expect = "BAD_OUTPUT"
says = "it is empty"
log = "verdict: OK"
"""

os.write(2, b"\x1b[2J\x1b]0;owned\x07\0\xff\xfe\xc3(\r\n\xe2\x80\xae verdict: OK\n<script>alert(1)</script>\n")
answer_second(b"")
