"""Its WORKDIR is a file.

expect = "IMAGE_REJECTED"
says = "WORKDIR"

[config]
WorkingDir = "/etc/passwd"
"""

finish()
