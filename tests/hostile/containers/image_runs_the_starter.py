"""Its entry point is /proc/self/exe: the starter itself, to be overwritten (CVE-2019-5736).

expect = "RUNTIME_ERROR"

[config]
Entrypoint = ["/proc/self/exe", "init"]
"""
