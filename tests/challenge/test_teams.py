"""Teams: one for each person in each challenge."""

from __future__ import annotations

import pytest

from challenge import teams
from tests import factories
from tests.conftest import Site


def test_team_of(site: Site) -> None:
    assert teams.team_of(site.bob, site.challenge) == site.team
    assert teams.team_of(site.olga, site.challenge) is None


@pytest.mark.parametrize(
    ("name", "slug"), [("Road Runners", "road-runners"), ("  a   b ", "a-b"), ("Snake_Case", "snake-case")]
)
def test_a_name_makes_an_address(site: Site, name: str, slug: str) -> None:
    made = teams.found(site.challenge, factories.UserFactory(), name)
    assert (made.name, made.slug) == (" ".join(name.split()), slug)


def test_a_name_in_another_script_is_fine(site: Site) -> None:
    made = teams.found(site.challenge, factories.UserFactory(), "सड़क")
    assert made.slug.startswith("team-")
    made.full_clean()


@pytest.mark.parametrize("name", ["", "   ", "--", "x" * 61, "a\x00b", "a\u202eb"])
def test_names_that_are_none(site: Site, name: str) -> None:
    with pytest.raises(teams.TeamRefused):
        teams.found(site.challenge, factories.UserFactory(), name)


def test_a_taken_name_and_a_second_team_are_refused(site: Site) -> None:
    with pytest.raises(teams.TeamRefused, match="taken"):
        teams.found(site.challenge, factories.UserFactory(), "asphalt")
    with pytest.raises(teams.TeamRefused, match="already"):
        teams.found(site.challenge, site.alice, "Another")
    with pytest.raises(teams.TeamRefused, match="already"):
        teams.join(site.strangers, site.alice)
    assert teams.join(site.team, site.alice).team == site.team
