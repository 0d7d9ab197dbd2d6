"""Executes itself again and again, without a moment of being there.

expect = "CPU_LIMIT"
limits = {cpu_seconds = 0.5}
"""

os.execv("/bin/sh", ["sh", "-c", 'exec "$0" -c "$1" "$0" "$1"', "/bin/sh", 'exec "$0" -c "$1" "$0" "$1"'])
