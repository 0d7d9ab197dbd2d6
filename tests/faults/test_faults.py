"""Every case once that SQLite and files can meet; test_fault_services.py runs this file again, on servers."""

from __future__ import annotations

import pytest

from tests.faults.cases import CASES, applies
from tests.faults.world import World

pytestmark = [pytest.mark.docker, pytest.mark.timeout(500)]


@pytest.mark.parametrize("name", [name for name in CASES if applies(name)])
def test_nothing_is_lost_and_nothing_twice(name: str, world: World) -> None:
    CASES[name](world)
