"""Writes to every place there is.

expect = "OK"
"""

note = lambda line: (
    None if line.endswith(("Read-only file system", "Permission denied")) else os.write(2, line.encode() + b"\n")
)
SCRATCH = ("/tmp", "/dev/shm", "/dev/mqueue", "/proc", "/sys")
for folder, folders, _ in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in SCRATCH]
    refused(f"a file in {folder}", lambda: os.close(os.open(f"{folder}/parakh", os.O_CREAT | os.O_WRONLY)))
for file in ("/etc/passwd", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/bin/sh", "/usr/bin/python3"):
    refused(f"to change {file}", lambda: os.close(os.open(file, os.O_WRONLY)))
    refused(f"to remove {file}", lambda: os.unlink(file), errno.EBUSY)
    refused(f"to give {file} another mode", lambda: os.chmod(file, 0o4777))
for device in os.listdir("/dev"):
    if device not in ("shm", "mqueue", "pts"):
        refused(f"to remove /dev/{device}", lambda: os.unlink(f"/dev/{device}"), errno.EISDIR, errno.EBUSY)
refused("to link out of /tmp", lambda: os.link("/etc/passwd", "/tmp/passwd"), errno.EXDEV)
finish()
