"""What a large upload costs the web process: memory, by each way in."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.bench.rows import Row
from tests.browser.site import Site, running_site

GIB = 1024**3
SIZE = 2 * GIB
MOST_MIB = 50

SEED = """
import datetime as dt, django
django.setup()
from django.contrib.auth.models import User
from django.utils import timezone
from challenge import tokens
from challenge.models import Challenge, Dataset, Phase
from challenge.teams import found
challenge = Challenge.objects.create(slug="large", title="Large uploads", stage="live")
data = Dataset.objects.create(name="none", path="/nonexistent", images=1, fingerprint="0" * 64)
Phase.objects.create(
    challenge=challenge, slug="val", title="Validation", dataset=data, quota_per_day=50, quota_at_once=50,
    opens=timezone.now() - dt.timedelta(days=1), closes=timezone.now() + dt.timedelta(days=9),
)
user = User.objects.create_user("alice", "alice@example.org", "password")
found(challenge, user, "Asphalt")
print(tokens.make(user, "bench", None))
"""

ALL = """
import django
django.setup()
from challenge.models import Submission
for one in Submission.objects.all():
    assert (one.state, one.file_bytes) == ("queued", SIZE), (one.state, one.file_bytes)
    print(one.pk)
"""

BEGIN = (
    'curl -sSf -D - -o /dev/null -H "Authorization: Token $TOKEN" -F phase=1 -F kind=image -F size=$SIZE '
    "-F file_name=large.tar $SITE/api/v1/uploads/ | tr -d '\\r' | sed -n 's/^location: //Ip'"
)
SEND = (
    '-sSf -X PATCH -H "Authorization: Token $TOKEN" -H "Content-Type: application/offset+octet-stream" '
    '-H "Upload-Offset: $AT" $UPLOAD'
)
WAYS = {
    "in one piece": f"UPLOAD=$({BEGIN}); AT=0; curl -T $FILE {SEND}",
    "in pieces of 64 MiB": (
        f"UPLOAD=$({BEGIN}); for AT in $(seq 0 67108864 $((SIZE - 1))); do "
        f"dd if=$FILE bs=1M skip=$((AT / 1048576)) count=64 status=none > piece; curl -T piece {SEND}; done; rm piece"
    ),
    "as a form": (
        'curl -sSf -o /dev/null -H "Authorization: Token $TOKEN" -F phase=1 -F kind=image -F file=@$FILE '
        "$SITE/api/v1/submissions/"
    ),
}


def upload_rows(scratch: Path) -> list[Row]:
    """2 GiB to a fresh site, three ways: how much its only web process grows at most. Needs 6 GiB in `scratch`."""
    large = scratch / "large.tar"
    with large.open("wb") as file:
        file.seek(257)
        file.write(b"ustar")
        file.truncate(SIZE)
    with running_site(scratch / "uploads") as site:
        site.env["DJANGO_SETTINGS_MODULE"] = "challenge.settings"
        site.env |= {"TOKEN": site.python("-c", SEED).strip(), "SITE": site.url, "FILE": str(large), "SIZE": str(SIZE)}
        rows = [_row(site, scratch, name, command) for name, command in WAYS.items()]
        assert len(site.python("-c", ALL.replace("SIZE", str(SIZE))).split()) == len(WAYS)
    large.unlink()
    return rows


def _row(site: Site, scratch: Path, name: str, command: str) -> Row:
    """In a process that has served small things before, as any has."""
    site.start_web()
    try:
        _shell(site, scratch, "curl -sSf -o /dev/null $SITE/ && curl -sSf -o /dev/null $SITE/api/v1/phases/")
        before = _peaks(site)
        _shell(site, scratch, command)
        grown = max(after - before[pid] for pid, after in _peaks(site).items()) / 1024
    finally:
        site.kill_web()
    measured = f"peak {max(before.values()) / 1024:.0f} MiB before"
    what = f"a 2 GiB upload {name}: growth of the web process, MiB"
    return Row(what, measured, grown, f"below {MOST_MIB} MiB", grown < MOST_MIB)


def _shell(site: Site, scratch: Path, command: str) -> None:
    done = subprocess.run(["bash", "-euc", command], cwd=scratch, env=site.env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + site.log("web")


def _peaks(site: Site) -> dict[int, int]:
    """KiB that each process of gunicorn has had resident at most, by process id."""
    found = subprocess.run(["pgrep", "-g", str(site.web_group())], capture_output=True, text=True, check=True)
    return {pid: _peak(Path(f"/proc/{pid}/status")) for pid in map(int, found.stdout.split())}


def _peak(status: Path) -> int:
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1])
