"""Its WORKDIR is an open file of the starter's: the way out of CVE-2024-21626.

expect = "IMAGE_REJECTED"
says = "WORKDIR"

[config]
WorkingDir = "/proc/self/fd/8"
"""

absent("the host's disk", os.path.exists("var/lib/docker") or os.path.exists("../../var/lib/docker"))
finish()
