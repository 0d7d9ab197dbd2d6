"""Becomes /bin/cat once it is ready: whoever answers, the answers count.

expect = "OK"
"""

ready()
os.execv("/bin/cat", ["cat"])
