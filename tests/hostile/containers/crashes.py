"""Crashes in native code; a core would hold all it knew.

expect = "KILLED"
says = "SIGSEGV"
limits = {tmpfs_bytes = 33554432}
"""

os.chdir("/tmp")
signal.signal(signal.SIGSEGV, signal.SIG_DFL)
ready()
hear()
ctypes.string_at(0)
