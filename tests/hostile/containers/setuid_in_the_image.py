"""Brings set-uid and capable programs in its image.

expect = "OK"
build = '''
cp /usr/bin/python3 /suid && chown 0:0 /suid && chmod 6755 /suid
cp /usr/bin/python3 /capable && python3 -c "import os, struct
os.setxattr('/capable', 'security.capability', struct.pack('<5I', 0x02000001, 0xffffffff, 0, 0xffffffff, 0))"
'''
"""

import subprocess

LOOK = """
import os
capabilities = [line.split()[1] for line in open("/proc/self/status") if line[:6] in ("CapPrm", "CapEff")]
print(os.geteuid(), os.getegid(), *capabilities)
"""
for program in ("/suid", "/capable"):
    try:
        found = subprocess.run([program, "-I", "-S", "-c", LOOK], capture_output=True, text=True).stdout.strip()
        note(f"{program}: {found}")
        absent(f"a gain by {program}", found != f"65534 65534 {'0' * 16} {'0' * 16}")
    except PermissionError as error:
        note(f"{program}: {error}")
finish()
