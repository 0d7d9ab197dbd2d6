"""The hostile corpus: everything submissions are known to try, run for real, each case with its verdict beside it.

    make hostile              all of it on this machine's engine, or DOCKER_HOST's; writes docs/security.md's table
    make hostile K=fork       only the cases with that word in their name

A case is one file in containers/, tars/, archives/ or outputs/. Its docstring begins with a sentence; below it stands,
as TOML, what is expected, and under `[runsc]` what differs there and why. `cases.py` knows the keys.
"""
