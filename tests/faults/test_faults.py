"""Every case once: on SQLite and files here, on servers when test_fault_services.py runs this file again."""

from __future__ import annotations

import pytest

from tests.faults.cases import CASES, applies
from tests.faults.world import World

pytestmark = [pytest.mark.docker, pytest.mark.timeout(200)]


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_lost_and_nothing_twice(name: str, world: World) -> None:
    if applies(name):  # A server that is not there can't be killed.
        CASES[name](world)
