"""Starts threads for ever: they count like processes.

expect = "PIDS_LIMIT"
says = "32 processes and threads"

[runsc]
expect = "MEMORY_LIMIT"
says = []
why = "a thread of gVisor's is none of the host's"
"""

import threading

threading.stack_size(65536)
ready()
hear()
while True:
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
