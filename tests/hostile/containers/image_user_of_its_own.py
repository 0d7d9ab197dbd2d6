"""Its /etc/passwd makes user 65534 root, with groups.

expect = "OK"
build = "echo 'root:x:65534:0::/root:/bin/sh' > /etc/passwd; echo 'docker:x:0:root,nobody' > /etc/group"

[config]
User = "root"
"""

absent("root", [each for each in (os.getuid(), os.getgid()) if each != 65534])
absent("other groups", [each for each in os.getgroups() if each != 65534])
finish()
