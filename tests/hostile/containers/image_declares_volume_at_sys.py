"""Its image declares a volume at /sys.

expect = "IMAGE_REJECTED"
says = "VOLUME"

[config]
Volumes = {"/sys" = {}}
"""

finish()
