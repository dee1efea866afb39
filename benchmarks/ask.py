"""How often a right paper is among the first three: by words, and by meaning with each model that is installed.

python benchmarks/ask.py                                    of what is here: the papers, and the five hundred titles
python benchmarks/ask.py FOLDER QUESTIONS.toml [FOLDER QUESTIONS.toml ...]          of other knowledge bases
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from catalog.facts import Facts
from catalog.library import Library
from catalog.search.encoder import PACKAGES
from catalog.search.index import Index
from catalog.text import with_math

HERE = Path(__file__).parent


def titles() -> Index:
    """The five hundred titles on diffusion models."""
    rows = [line.split("\t") for line in (HERE / "diffusion.tsv").read_text("utf-8").splitlines()]
    index = Index(":memory:")
    index.update([(key, "1", Facts(key=key, title=with_math(title))) for key, title in rows], [])
    return index


def only(model: str) -> None:
    """Let no other model be found."""
    for package in PACKAGES:
        sys.modules.pop(package, None)
        if package != model:
            sys.modules[package] = None  # type: ignore[assignment]  # so that it cannot be imported


def counts(base: Library | Index, questions: Path, models: list[str]) -> Iterator[tuple[str, int, list[int]]]:
    """Of each part of a file of questions how many there are, and how many are answered in each way."""
    parts: dict[str, dict[str, list[str]]] = tomllib.loads(questions.read_text("utf-8"))
    index = base if isinstance(base, Index) else base.index()  # of which no question is a key
    found: dict[str, list[int]] = {part: [] for part in parts}

    def ask(way: Callable[[str], list[str]]) -> None:
        for part, asked in parts.items():
            found[part].append(sum(not set(right).isdisjoint(way(question)) for question, right in asked.items()))

    ask(lambda question: [line.key for line in base.lines(question, limit=3).papers])
    for model in models:
        only(model)
        ask(lambda question: [line.key for line in index.like(question, 3).papers])
    return ((part, len(asked), found[part]) for part, asked in parts.items())


def main(*named: str) -> None:
    models = [package for package in reversed(PACKAGES) if find_spec(package)]
    bases: list[tuple[Library | Index, Path]] = [
        (Library.open(folder), Path(file)) for folder, file in list(pairwise(named))[::2]
    ] or [(Library.open(HERE.parent), HERE / "questions.toml"), (titles(), HERE / "diffusion.toml")]
    print("| questions | how many | " + " | ".join(["by words", *models]) + " |")
    print("| --- | " + "--- | " * (2 + len(models)))
    for base, file in bases:
        for part, count, right in counts(base, file, models):
            print(
                f"| {file.stem}, {part} | {count} | " + " | ".join(f"{n} ({n / count:.2f})" for n in right) + " |",
                flush=True,
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
