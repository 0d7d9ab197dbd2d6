"""Mounts, unmounts, and changes its root, in the old way and in the new.

expect = "OK"

[runsc]
allowed = ["a file by its handle"]
why = "gVisor refuses it in other words"
"""

refused("mount tmpfs", lambda: syscall("mount", b"none", b"/tmp", b"tmpfs", 0, None))
refused("mount proc", lambda: syscall("mount", b"proc", b"/tmp", b"proc", 0, None))
refused("remount the root writable", lambda: syscall("mount", None, b"/", None, 0x20, None))
refused("bind mount", lambda: syscall("mount", b"/", b"/tmp", None, 0x1000, None))
refused("umount", lambda: syscall("umount2", b"/sys", 2))
refused("umount /etc/hosts", lambda: syscall("umount2", b"/etc/hosts", 2))
refused("pivot_root", lambda: syscall("pivot_root", b"/tmp", b"/tmp"))
refused("chroot", lambda: syscall("chroot", b"/tmp"))
refused("fsopen", lambda: syscall("fsopen", b"tmpfs", 0))
refused("open_tree", lambda: syscall("open_tree", -100, b"/tmp", 1))
refused("move_mount", lambda: syscall("move_mount", -100, b"/tmp", -100, b"/dev/shm", 0))
refused("mount_setattr", lambda: syscall("mount_setattr", -100, b"/", 0, bytes(32), 32))
refused("a file by its handle", lambda: syscall("open_by_handle_at", -100, struct.pack("<IiQ", 8, 1, 2), 0))
refused("watching all of a file system", lambda: syscall("fanotify_init", 0, 0))
refused("quotas", lambda: syscall("quotactl", 0x800003, b"/dev/sda", 0, 0))
refused("swap on", lambda: syscall("swapon", b"/tmp/swap", 0))
refused("swap off", lambda: syscall("swapoff", b"/dev/sda2"))
refused("accounting", lambda: syscall("acct", b"/tmp/acct"))
finish()
