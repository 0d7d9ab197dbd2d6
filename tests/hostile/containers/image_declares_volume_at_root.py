"""Its image declares a volume at /.

expect = "IMAGE_REJECTED"
says = "VOLUME"

[config]
Volumes = {"/" = {}}
"""

finish()
