"""Many writers, a loop of renames and a reader on one collection: python tests/race.py [WORKERS [OPERATIONS]]

Every change that was acknowledged is there afterwards; each reading saw a whole collection, with every paper once.
"""

from __future__ import annotations

import multiprocessing
import random
import sys
import tempfile
from collections import Counter
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from catalog.errors import KbError
from catalog.library import Library
from catalog.models import Paper

SHARED = 8  # papers that everybody writes to
FACES = ("flip", "flop")  # the keys between which one paper goes to and fro


def work(root: Path, me: int, operations: int, told: Queue[Any]) -> None:
    """Mixed operations on papers of my own and on shared ones; tells what must be there, and what went wrong."""
    chance = random.Random(me)
    mine: dict[str, set[str]] = {}
    marks: list[str] = []
    wrong: Counter[str] = Counter()
    for turn in range(operations):
        word, key = f"w{me}x{turn}x", chance.choice(sorted(mine) or [""])
        what = chance.choice(
            ["add", "tag", "note", "mark", "rename", "rm", "import", "shared tag", "shared note", "list"]
        )
        try:
            library = Library.open(root)
            if what == "add" or (not key and what in ("tag", "note", "mark", "rename", "rm")):
                library.add(title=f"Work {word} of its own", key=word, links=[f"https://example.org/{word}"])
                mine[word] = set()
            elif what == "import":
                library.import_(
                    [("x.bib", f"@misc{{{word}, title={{Work {word} brought}}, author={{A{word}, B}}}}".encode())]
                )
                mine[word] = set()
            elif what == "mark":
                library.mark_read([key])
                mine[key].add("is-read")
            elif what == "rename":
                library.rename(key, word)
                mine[word] = mine.pop(key)
            elif what == "rm":
                library.remove([key])
                del mine[key]
            elif what == "list":
                wrong["my own papers are not listed"] += not set(mine) <= {facts.key for facts in library.list()}
            else:
                target = f"base{chance.randrange(SHARED)}" if "shared" in what else key
                library.tag(target, [word]) if "tag" in what else library.note(target, word)
                marks.append(word)
                if "shared" not in what:
                    mine[key].add(word)
        except KbError as e:
            wrong[f"{what}: {e}"] += 1
    told.put(({key: sorted(words) for key, words in mine.items()}, marks, dict(wrong)))


def flip(root: Path, stop: Event, told: Queue[Any]) -> None:
    """Rename one paper to and fro."""
    now, wrong = 0, Counter[str]()
    while not stop.is_set():
        try:
            Library.open(root).rename(FACES[now % 2], FACES[1 - now % 2])
            now += 1
        except KbError as e:
            wrong[f"flip: {e}"] += 1
    told.put(({FACES[now % 2]: []}, [], dict(wrong)))


def read(root: Path, stop: Event, told: Queue[Any]) -> None:
    """List, export and check; each time the shared papers are there, and the renamed one in one place."""
    wrong: Counter[str] = Counter()
    while not stop.is_set():
        try:
            keys = [facts.key for facts in Library.open(root).list()]
            wrong["a shared paper is not listed"] += sum(key.startswith("base") for key in keys) != SHARED
            wrong["a paper being renamed is not in one place"] += sum(key in FACES for key in keys) != 1
            exported = Library.open(root).export_bib().text
            wrong["a paper being renamed is not exported once"] += sum(f"{{{key}," in exported for key in FACES) != 1
            Library.open(root).check()
        except KbError as e:
            wrong[f"reading: {e}"] += 1
    told.put(({}, [], dict(wrong)))


def race(root: Path, workers: int, operations: int, several: bool = False) -> list[str]:
    """Let them run, all as one of `several` readers or as the only one; everything that is wrong afterwards."""
    library = Library.init(root)
    if several:
        library.become("ana")
    for n in range(SHARED):
        library.add(
            title=f"Base {n} of them all",
            key=f"base{n}",
            links=[f"https://example.org/{n}"],
            notes="[f](flip.md)" if n == 9 else "",
        )
    library.add("@misc{flip, title = {The one that is renamed}, author = {Doe, Jane}}")
    context = multiprocessing.get_context("fork")
    told, stop = context.Queue(), context.Event()
    working = [context.Process(target=work, args=(root, me, operations, told)) for me in range(workers)]
    beside = [context.Process(target=act, args=(root, stop, told)) for act in (flip, read)]
    for process in (*working, *beside):
        process.start()
    results = [told.get() for _ in working]
    stop.set()
    results += [told.get() for _ in beside]
    for process in (*working, *beside):
        process.join(60)
    return [
        *_lost(library, results),
        *(f"{times} × {said}" for *_, wrong in results for said, times in wrong.items() if times),
    ]


def _lost(library: Library, results: list[tuple[dict[str, list[str]], list[str], dict[str, int]]]) -> list[str]:
    papers: dict[str, Paper] = library.papers()
    told = {key: " ".join((*paper.tags, paper.notes, f"is-{paper.status}")) for key, paper in papers.items()}
    whole = " ".join(told.values())
    lost = [f"lost: {key}" for mine, *_ in results for key in mine if key not in papers]
    lost += [f"lost: {word} of {key}" for mine, *_ in results for key, words in mine.items() for word in words
             if word not in told.get(key, "")]  # fmt: skip
    gone = {word for mine, *_ in results for words in mine.values() for word in words}
    lost += [f"lost: {word}" for _, marks, _ in results for word in marks if word not in whole and word in gone]
    listed = {facts.key for facts in library.list()}
    lost += [] if listed == set(papers) else [f"the index disagrees: {listed ^ set(papers)}"]
    left = [path.name for path in library.root.rglob(".*.tmp")]
    return lost + ([f"left behind: {left}"] if left else [])


def main() -> None:
    """Race, and say what is wrong."""
    workers, operations = (*map(int, sys.argv[1:]), *(16, 200)[len(sys.argv) - 1 :])[:2]
    with tempfile.TemporaryDirectory() as folder:
        wrong = [
            problem
            for several in (False, True)
            for problem in race(Path(folder) / f"base{several}", workers, operations, several)
        ]
    print("\n".join(wrong) or f"{workers} writers, {operations} operations each: nothing lost, no reading failed")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
