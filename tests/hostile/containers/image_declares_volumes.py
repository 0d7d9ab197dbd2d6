"""Its image declares volumes all over: each would be a writable place on the host's disk.

expect = "OK"

[config]
Volumes = {"/data" = {}, "/var/lib/data" = {}, "/tmp/" = {}, "/etc" = {}, "/usr/lib/python3" = {}}
"""

for place in ("/data", "/var/lib/data", "/etc", "/usr/lib/python3"):

    def fill():
        with open(f"{place}/fill", "wb", 0) as file:
            for _ in range(64):
                file.write(bytes(1 << 16))

    refused(f"4 MiB in {place}", fill, errno.ENOSPC, errno.ENOENT)
finish()
