"""manage.py commands."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from challenge import splits
from challenge.models import Dataset
from tests import factories
from tests.conftest import Site


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_add_dataset_registers_once(db: None, drawn: Path, drawn_fingerprint: str, tmp_path: Path) -> None:
    full = tmp_path / "set"
    shutil.copytree(drawn, full)
    assert "4 images, registered." in run("add_dataset", "drawn", str(full), "--split", "val", "--drawn")
    assert "registered already" in run("add_dataset", "drawn", str(full), "--split", "val")
    row = Dataset.objects.get()
    assert (row.images, row.fingerprint, row.path, row.is_drawn) == (4, drawn_fingerprint, str(full), True)
    assert splits.refusal(row, share=50, seed=1) == ""
    Dataset.objects.update(presence=None)
    assert "registered already" in run("add_dataset", "drawn", str(full), "--split", "val")
    assert Dataset.objects.get().presence is not None, "noted of those that were registered before"

    moved = tmp_path / "moved"
    full.rename(moved)
    assert "now read from" in run("add_dataset", "drawn", str(moved))
    assert Dataset.objects.get().path == str(moved)


def test_add_dataset_names_what_is_wrong(db: None, drawn: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no images of split 'test'"):
        run("add_dataset", "drawn", str(drawn), "--split", "test")
    broken = tmp_path / "broken"
    shutil.copytree(drawn, broken)
    label = next((broken / "gtFine" / "val").rglob("*_label.png"))
    label.write_bytes(b"not a png")
    with pytest.raises(CommandError, match=label.name):
        run("add_dataset", "drawn", str(broken))
    assert not Dataset.objects.exists()


def test_add_dataset_refuses_other_data_under_a_known_name(db: None, drawn: Path) -> None:
    factories.DatasetFactory(name="drawn", fingerprint="f" * 64)
    with pytest.raises(CommandError, match="another name"):
        run("add_dataset", "drawn", str(drawn))


def test_board_prints_a_table(site: Site) -> None:
    site.strangers.is_baseline = True
    site.strangers.save()
    factories.finished(site.phase, site.team, miou=0.512)
    factories.finished(site.phase, site.strangers, miou=0.25, user=site.carol)
    printed = run("board", "idd-lite")
    assert "51.20" in printed
    assert "Gravel (baseline)" in printed
    assert printed.index("Asphalt") < printed.index("Gravel")


def test_board_says_what_there_is(site: Site) -> None:
    assert "Nothing has been scored" in run("board", "idd-lite", "val")
    with pytest.raises(CommandError, match="Known: idd-lite, other"):
        run("board", "mars")
    with pytest.raises(CommandError, match="Its phases: val"):
        run("board", "idd-lite", "test")
