"""Two hosts share the submissions of three teams. The bench does the same with 200 (tests/bench/queue.py)."""

from __future__ import annotations

import pytest

from tests.faults.sharing import share
from tests.faults.world import World


@pytest.mark.docker
def test_two_hosts_share_the_queue(world: World) -> None:
    shared = share(world, hosts=2, teams=3, each=4, seconds=0.2)
    assert set(shared.hosts) == {"host-0", "host-1"}
    assert shared.lead <= 2, "teams take turns"
