"""Its image declares a volume at a place that is no absolute path.

expect = "IMAGE_REJECTED"
says = "VOLUME"

[config]
Volumes = {"a/../../var" = {}}
"""

finish()
