"""Its image declares a volume at /proc.

expect = "IMAGE_REJECTED"
says = "VOLUME"

[config]
Volumes = {"/proc" = {}}
"""

finish()
