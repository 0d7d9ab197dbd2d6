"""Hides 100 kB behind the end of its picture: nobody looks there.

expect = "OK"
"""

answer_second(GOOD + b"<script>" + os.urandom(100_000))
