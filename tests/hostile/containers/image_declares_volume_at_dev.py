"""Its image declares a volume at /dev.

expect = "IMAGE_REJECTED"
says = "VOLUME"

[config]
Volumes = {"/dev" = {}}
"""

finish()
