"""How long a search takes in a fresh process, beside grep, ripgrep and a plain scan in Python.

    python benchmarks/search.py [PAPERS ...]        (default: 1000 10000)

Invented papers of about 1.8 kB with words as frequent as in English. "kb" is everything that `kb search` must do before
it prints: start Python, stat every file, compare with the index, search, load the records.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from catalog.facts import Address, Facts, Name, Reading
from catalog.search.index import Index
from catalog.text import plain

RUNS = 7
SYLLABLES = [a + b for a in ("b", "d", "f", "gr", "k", "l", "m", "n", "p", "qu", "r", "st", "t", "v") for b in "aeiou"]
QUERIES = (
    ("one rare word", "zyxomatic", "zyxomatic"),
    ("one common word", "quantization", "quantization"),
    ("three letters", "qua", "qua"),
    ("a phrase", '"low rank"', "low rank"),
    ("word and fields", "quantization status:unread year:2021.. has:code -tag:survey", ""),
    ("all papers", "", ""),
)
OURS = """
import os, sys
from catalog.search.index import Index
folder, query = sys.argv[1:]
with os.scandir(folder) as found:
    stamps = {f.name: f"{(s := f.stat()).st_mtime_ns}.{s.st_size}" for f in found if f.name.endswith(".md")}
with Index(folder + ".sqlite") as index:
    assert index.stamps() == stamps
    print(len(index.lines(query).papers))
"""
SCAN = """
import re, sys
from pathlib import Path
folder, text = sys.argv[1:]
wanted = re.compile(r"\\b" + re.escape(text), re.I)
print(sum(1 for file in Path(folder).glob("*.md") if wanted.search(file.read_text("utf-8"))))
"""


def papers(count: int) -> list[Facts]:
    """Invented papers, the same each time."""
    chance = random.Random(1)
    vocabulary = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 5))) for _ in range(30_000)]
    weights = list(itertools.accumulate(1 / (rank + 2) for rank in range(len(vocabulary))))

    def some(length: int) -> str:
        return " ".join(chance.choices(vocabulary, cum_weights=weights, k=length))

    def paper(i: int) -> Facts:
        planted = ["zyxomatic"] * (i % 2000 == 7) + ["quantization"] * (i % 10 == 3) + ["low rank"] * (i % 25 == 5)
        return Facts(
            key=f"{chance.choice(vocabulary)}{2000 + i % 26}{i}",
            title=(("text", f"{some(8)} {' '.join(planted)}".strip()),),
            people=(("author", tuple(Name(some(1).title(), some(1).title()) for _ in range(4))),),
            date=str(2000 + i % 26),
            venue=f"Conference on {some(2)}",
            reading=Reading(("unread", "unread", "reading", "read")[i % 4], f"202{i % 7}-0{1 + i % 9}-1{i % 10}"),
            tags=tuple({chance.choice(vocabulary[:300]), "survey" if i % 20 == 0 else "method"}),
            addresses=(Address("paper", f"https://example.org/{i}"),)
            + (Address("code", f"https://code.example/{i}"),) * (i % 2),
            abstract=(("text", some(150)),),
            notes=some(40),
            bibtex="@article{x}",
        )

    return [paper(i) for i in range(count)]


def as_file(facts: Facts) -> str:
    links = "\n".join(f"  {address.kind}: {address.url}" for address in facts.addresses)
    tags = "\n".join(f"  - {tag}" for tag in facts.tags)
    entry = (
        f"@article{{{facts.key},\n  title={{{facts.heading}}},\n"
        f"  author={{{' and '.join(name.display for name in facts.names)}}},\n"
        f"  journal={{{facts.venue}}},\n  year={{{facts.year}}},\n  abstract={{{plain(facts.abstract)}}}\n}}"
    )
    head = f"status: {facts.reading.status}\nadded: '{facts.reading.added}'\nlinks:\n{links}\ntags:\n{tags}"
    return f"---\n{head}\n---\n\n```bibtex\n{entry}\n```\n\n{facts.notes}\n"


def fill(folder: Path, count: int) -> float:
    """Write the files, and the index beside them; the seconds that the index took."""
    changes = []
    folder.mkdir()
    for facts in papers(count):
        file = folder / f"{facts.key}.md"
        file.write_text(as_file(facts), encoding="utf-8")
        stat = file.stat()
        changes.append((file.name, f"{stat.st_mtime_ns}.{stat.st_size}", facts))
    start = time.perf_counter()
    with Index(f"{folder}.sqlite") as index:
        index.update(changes, [])
    return time.perf_counter() - start


def median(run: Callable[[], object]) -> float:
    """The median time of some runs, in milliseconds; one before them warms the caches."""
    times = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[1:])


def process(command: Sequence[str]) -> float:
    root = str(Path(__file__).resolve().parent.parent)
    env = os.environ | {"PYTHONPATH": root, "PYTHONPYCACHEPREFIX": f"{tempfile.gettempdir()}/kb-benchmark"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    return median(lambda: subprocess.run(command, capture_output=True, env=env, check=False))


def row(folder: Path, index: Index, name: str, query: str, text: str) -> str:
    cells = [process([sys.executable, "-c", OURS, str(folder), query]), median(lambda: index.search(query, limit=20))]
    for tool in (["grep", "-rliw"], ["rg", "-liw"]):
        there = text and shutil.which(tool[0])
        cells.append(process([*tool, text, str(folder)]) if there else 0)
    cells.append(process([sys.executable, "-c", SCAN, str(folder), text]) if text else 0)
    return (
        f"| {name} | "
        + " | ".join(f"{cell:.1f}" if cell else "–" for cell in cells)
        + f" | {len(index.search(query))} |"
    )


def main(sizes: Sequence[int]) -> None:
    for size in sizes:
        with tempfile.TemporaryDirectory() as temp:
            folder = Path(temp) / "papers"
            seconds = fill(folder, size)
            mb = Path(f"{folder}.sqlite").stat().st_size / 1e6
            print(f"\n{size:,} papers; index built in {seconds:.2f} s, {mb:.0f} MB; medians of {RUNS} in ms\n")
            print("| query | kb, fresh process | kb, same process, first 20 | grep | ripgrep | Python scan | matches |")
            print("|---|---|---|---|---|---|---|")
            with Index(f"{folder}.sqlite") as index:
                for name, query, text in QUERIES:
                    print(row(folder, index, name, query, text), flush=True)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [1000, 10_000])
