"""Wants somebody else to be killed when memory runs out.

expect = "OK"

[runsc]
allowed = ["a lower score", "a slightly lower score"]
why = "gVisor's own kernel answers, within the container; the host's never hears of it"
"""


def score(value):
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write(value)


refused("a lower score", lambda: score("-1000"))
refused("a slightly lower score", lambda: score("-1"))
finish()
