"""Its environment loads a library into everything, and says things only we may say.

expect = "OK"

[config]
Env = ["LD_PRELOAD=/tmp/evil.so", "LD_LIBRARY_PATH=/tmp", "LD_AUDIT=/tmp/evil.so", "PARAKH_IMAGES=7", "HOME=/root",
       "OMP_NUM_THREADS=999", "GLIBC_TUNABLES=glibc.malloc.check=3", "PATH=/tmp:/usr/bin:/bin"]
"""

for name in ("LD_PRELOAD", "LD_AUDIT", "GLIBC_TUNABLES"):
    absent(name, os.environ.get(name))
absent(
    "its word for ours",
    [
        each
        for each in ("PARAKH_IMAGES=7", "HOME=/root", "OMP_NUM_THREADS=999")
        if each in [f"{name}={value}" for name, value in os.environ.items()]
    ],
)
finish()
