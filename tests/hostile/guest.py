"""What hostile programs have at hand inside the container, beside the protocol of tests/sandbox/guests.py."""

from __future__ import annotations

from tests.sandbox.guests import PRELUDE

GUEST = (
    PRELUDE
    + """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
CALLS = dict(
    mknodat=(259, 33), mount=(165, 40), umount2=(166, 39), pivot_root=(155, 41), chroot=(161, 51), unshare=(272, 97),
    setns=(308, 268), clone=(56, 220), fsopen=(430, 430), open_tree=(428, 428), move_mount=(429, 429),
    mount_setattr=(442, 442), ptrace=(101, 117), process_vm_readv=(310, 270), process_vm_writev=(311, 271),
    kcmp=(312, 272), add_key=(248, 217), request_key=(249, 218), keyctl=(250, 219), bpf=(321, 280),
    perf_event_open=(298, 241), userfaultfd=(323, 282), io_uring_setup=(425, 425), clock_settime=(227, 112),
    settimeofday=(164, 170), adjtimex=(159, 171), clock_adjtime=(305, 266), init_module=(175, 105),
    finit_module=(313, 273), delete_module=(176, 106), kexec_load=(246, 104), kexec_file_load=(320, 294),
    reboot=(169, 142), swapon=(167, 224), swapoff=(168, 225), acct=(163, 89), syslog=(103, 116), quotactl=(179, 60),
    sethostname=(170, 161), setdomainname=(171, 162), name_to_handle_at=(303, 264), open_by_handle_at=(304, 265),
    fanotify_init=(300, 262), vhangup=(153, 58), personality=(135, 92), nfsservctl=(180, 42), shmget=(29, 194),
    shmat=(30, 196), memfd_create=(319, 279), mlock2=(325, 284), pidfd_open=(434, 434), pidfd_getfd=(438, 438),
    lookup_dcookie=(212, 18), move_pages=(279, 239), migrate_pages=(256, 238), mq_open=(240, 180),
    sched_setattr=(314, 274), ioprio_set=(251, 30), memfd_secret=(447, 447),
)
def syscall(name, *arguments):
    number = CALLS[name][os.uname().machine != "x86_64"]
    given = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = libc.syscall(ctypes.c_long(number), *given)
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def note(line):
    os.write(2, line.encode("utf-8", "backslashreplace") + b"\\n")
WALLS = (errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOSYS)
fell = []
allowed = ()
def fall(what):
    if what not in allowed:
        fell.append(what)
def refused(what, call, *also):
    "The call must fail with one of the errors a wall gives, or one of `also`."
    try:
        result = call()
    except OSError as error:
        note(f"{what}: {error.strerror}")
        if error.errno not in WALLS + also:
            fall(what)
    else:
        note(f"{what}: done, {result!r:.200}")
        fall(what)
def absent(what, found):
    "There must be nothing of it."
    if found:
        note(f"{what}: there is {found!r:.300}")
        fall(what)
def echo():
    ready()
    while (question := hear()) is not None:
        say(question[::-1])
def finish():
    "Answers everything like a good program; fails if a wall fell."
    if fell:
        note("FELL: " + ", ".join(fell))
    echo()
    os._exit(9 if fell else 0)
def fork():
    "A child of ours, or 0 in it."
    sys.stdout.flush()
    return os.fork()
"""
)

PICTURES = """
import zlib
def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
def header(width=320, height=227, depth=8, colour=0, interlace=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))
def rows(line=b"\\0" + bytes(320), count=227):
    return chunk(b"IDAT", zlib.compress(line * count))
SIGNATURE, END = b"\\x89PNG\\r\\n\\x1a\\n", chunk(b"IEND", b"")
def png(*chunks):
    return SIGNATURE + b"".join(chunks) + END
GOOD = png(header(), rows())
def packed_zeros(megabytes=200):
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(megabytes)), packer.flush()])
def answer_second(bad):
    "A good answer, the bad one, and good ones again."
    ready()
    number = 0
    while hear() is not None:
        number += 1
        say(bad if number == 2 else GOOD)
PLACE = "/output/000002.png"
def deliver():
    "Good label maps for all images, then the second is taken away to be replaced."
    for name in sorted(os.listdir("/input")):
        with open(f"/output/{name[:6]}.png", "wb") as file:
            file.write(GOOD)
    os.unlink(PLACE)
"""
"""For programs that answer with pictures: PNGs put together by hand, since the root image has no library for them."""
