"""What `kb` costs: start-up beside Python's own, and the usual commands on 1,000 and 10,000 papers.

    python benchmarks/commands.py

Where `papis` is on the PATH, its listing of its own library stands beside ours. Rounds are interleaved; the median is
shown, wall time and processor time.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

WORDS = ["deep", "network", "attention", "graph", "model", "vision", "policy", "gradient", "quantization", "rank"]
NAMES = ["Smith", "Jones", "Chen", "Wang", "Kim", "Nguyen", "Dupont", "Rossi", "Silva", "Okafor", "Ivanov", "Tanaka"]
ROUNDS = 7


def bib(count: int) -> str:
    """So many invented entries."""
    rng = random.Random(0)  # noqa: S311 - invented titles, no secrets
    entries = []
    for number in range(count):
        author = " and ".join(f"{rng.choice(NAMES)}, {rng.choice('ABCDEF')}." for _ in range(rng.randint(1, 5)))
        title = " ".join(rng.choices(WORDS, k=8))
        abstract = " ".join(rng.choices(WORDS, k=80))
        journal = f"Journal of {rng.choice(WORDS)}"
        fields = {
            "title": f"{title} {number}", "author": author, "year": rng.randint(1990, 2026), "journal": journal,
            "doi": f"10.1000/{number}", "abstract": abstract,
        }  # fmt: skip
        rows = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
        entries.append(f"@article{{key{number},\n{rows}\n}}")
    return "\n\n".join(entries) + "\n"


def timed(command: list[str], folder: Path) -> tuple[float, float]:
    """Wall and processor seconds of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(rows: Iterable[tuple[str, list[str]]], folder: Path, rounds: int = ROUNDS) -> None:
    """Print the median of each command, all rounds interleaved."""
    commands = list(rows)
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name, _ in commands}
    for _ in range(rounds):
        for name, command in commands:
            measured[name].append(timed(command, folder))
    for name, runs in measured.items():
        wall, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"  {name:<44} {wall * 1000:9.0f} ms wall {cpu * 1000:9.0f} ms processor")


def main() -> None:
    """Measure and print."""
    kb = [sys.executable, "-m", "catalog"]
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("start-up")
        python = [sys.executable, "-c", "import click, pydantic"]
        compare([("python -c 'import click, pydantic'", python), ("kb --help", [*kb, "--help"])], folder, 15)
        for count in (1_000, 10_000):
            base = folder / str(count)
            (folder / "all.bib").write_text(bib(count), encoding="utf-8")
            subprocess.run([*kb, "init", str(base)], check=True, stdout=subprocess.DEVNULL)
            print(f"{count:,} papers")
            compare([("kb import, empty", [*kb, "import", str(folder / "all.bib")])], base, 1)
            compare([("kb list, index built anew", [*kb, "list", "-n", "20"])], base, 1)
            rows = [
                ("kb list", [*kb, "list"]),
                ("kb list author:nguyen", [*kb, "list", "author:nguyen"]),
                ("kb search gradient policy", [*kb, "search", "gradient", "policy"]),
                ("kb mark-read", [*kb, "mark-read", "key7"]),
                ("kb export bib", [*kb, "export", "bib", "-o", str(folder / "out.bib")]),
            ]
            if papis := shutil.which("papis"):
                rows.append(("papis list --all", [papis, "list", "--all"]))
            compare(rows, base, 5)
            compare(
                [("kb check", [*kb, "check"]), ("kb import, nothing new", [*kb, "import", str(folder / "all.bib")])],
                base,
                1,
            )


if __name__ == "__main__":
    main()
