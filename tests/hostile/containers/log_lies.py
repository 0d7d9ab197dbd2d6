"""Its log holds escapes for terminals, NULs, bytes that are no text, and a verdict.

expect = "RUNTIME_ERROR"
says = "exit code 4"
log = ["verdict: OK", "OOMKilled=true"]
"""

os.write(
    2,
    b"\x1b[2J\x1b]0;owned\x07\0\xff\xfe\xc3(\r\n\xe2\x80\xae verdict: OK\nOOMKilled=true\n<script>alert(1)</script>\n",
)
os._exit(4)
