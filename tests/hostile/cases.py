"""The cases there are, read from their files."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import tomllib
from pathlib import Path
from typing import Any, Literal, get_args

from sandbox import Code

HERE = Path(__file__).parent

Kind = Literal["containers", "tars", "archives", "outputs"]
Runtime = Literal["runc", "runsc"]

ALL = "PARAKH_HOSTILE_ALL"
"""Environment variable: run every case on every runtime."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is to come of a case.

    Attributes:
        expect: the verdict.
        says: words in the sentence the team reads.
        log: words in the log the team reads.
        limits: what differs from the case's limits on this runtime.
        allowed: what the program may do there, in its own words, without any wall having fallen.
        why: why it differs on this runtime.
        left_out: why it is not run on this runtime.
    """

    expect: str
    says: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    limits: dict[str, Any] = dataclasses.field(default_factory=dict)
    allowed: tuple[str, ...] = ()
    why: str = ""
    left_out: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing a stranger tries.

    Attributes:
        title: a sentence.
        source: the file: a program for the container, or a module with `make(path)`.
        limits: what differs from the corpus's own limits.
        contract: "stream" or "batch".
        questions: how many, and of how many bytes each (containers).
        config: of the image, as the engine's API spells it.
        build: shell commands that root ran when the image was made.
        runs: how often in a row, each with the same verdict.
        predictions: the archive is one of label maps, not of code.
    """

    kind: Kind
    name: str
    title: str
    source: str
    expected: dict[Runtime, Expected]
    limits: dict[str, Any] = dataclasses.field(default_factory=dict)
    contract: Literal["stream", "batch"] = "stream"
    questions: tuple[int, int] = (2, 20)
    config: dict[str, Any] = dataclasses.field(default_factory=dict)
    build: str = ""
    runs: int = 1
    predictions: bool = False

    @property
    def id(self) -> str:
        """E.g. `containers/fork_bomb`."""
        return f"{self.kind}/{self.name}"

    def make(self, path: Path) -> None:
        """Writes the hostile file (tars and archives)."""
        importlib.import_module(f"tests.hostile.{self.kind}.{self.name}").make(path)


def load_cases() -> list[Case]:
    """All cases, in the order of their names.

    Raises:
        ValueError: a header that can't be read, naming the file.
    """
    return [
        _read(kind, path)
        for kind in get_args(Kind)
        for path in sorted((HERE / kind).glob("*.py"))
        if path.stem != "__init__"
    ]


def _read(kind: Kind, path: Path) -> Case:
    source = path.read_text()
    title, _, header = (ast.get_docstring(ast.parse(source)) or "").partition("\n\n")
    try:
        said = tomllib.loads(header)
        differs = said.pop("runsc", {})
        usual = {key: said.pop(key) for key in ("expect", "says", "log") if key in said}
        expected: dict[Runtime, Expected] = {"runc": _expected(usual)}
        if kind in ("containers", "outputs"):  # tars and archives meet no runtime
            if differs and not differs.get("why") and not differs.get("left_out"):
                raise ValueError("[runsc] needs `why` or `left_out`")
            expected["runsc"] = _expected(usual | differs)
        if "questions" in said:
            said["questions"] = tuple(said["questions"])
        return Case(kind=kind, name=path.stem, title=" ".join(title.split()), source=source, expected=expected, **said)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path}: {error}") from error


def _expected(said: dict[str, Any]) -> Expected:
    words = {
        key: (said[key],) if isinstance(said[key], str) else tuple(said[key])
        for key in ("says", "log", "allowed")
        if key in said
    }
    expected = Expected(**(said | words))
    Code(expected.expect)
    return expected
