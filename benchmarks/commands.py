"""What every command costs at 1,000, 10,000 and 100,000 papers, beside papis, cobib and pubs.

    python benchmarks/commands.py --page site/guide/speed.md        (all of it: about half an hour on a quiet machine)
    python benchmarks/commands.py [--sizes 1000 10000] [--rounds 5] [--work FOLDER] [--peers papis cobib pubs]

Makes the collections, installs the peers in environments of their own, runs everything interleaved, and writes
`benchmarks/results/commands.json` and the table of the page, ratios first. A time is processor seconds (user and
system) of the whole process, the median of the rounds; beside it stands the peak of its memory. What takes long is run
once. A peer that fails at something is named, and has no row there. A size that is measured again is measured whole:
its rows of before go. `--rounds 0` writes the page of the record that is there. Of 100,000 papers only papis is asked:
the others take hours to fill.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import random
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "benchmarks" / "results" / "commands.json"
PEERS = {
    "papis": ["papis==0.16.1"],
    "cobib": ["cobib==6.0.3"],
    "pubs": ["pubs==0.9.0", "bibtexparser<2", "setuptools<81"],
}
MOST_OF_PEERS = 10_000  # entries that cobib and pubs take in before the hour is over
MANY = 10_000  # papers; of more, what looks at all of them is run once
SYLLABLES = [a + b for a in ("b", "d", "f", "gr", "k", "l", "m", "n", "p", "qu", "r", "st", "t", "v") for b in "aeiou"]
FAMILIES = [
    "Garc{\\'i}a",
    'M{\\"u}ller',
    "Hinton",
    "Nguyen",
    "Smith",
    "Chen",
    "Okafor",
    "{\\L}ukasz",
    "Rossi",
    "Tanaka",
]
MEANING = bool(find_spec("wordllama"))
PART = re.compile(r"(?<=<!-- speed -->\n).*?(?=^<!-- end -->)", re.M | re.S)
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A command of kb and what its peers call it; `before` is done ahead of each run, `once` runs it in one round,
    `slow` in one round where papers are many."""

    name: str
    kb: Sequence[str]
    peers: dict[str, Sequence[str]] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None
    once: bool = False
    slow: bool = False
    terminal: bool = False


def entries(count: int) -> Iterable[dict[str, str]]:
    """Invented entries, the same each time: accents, half with an abstract, 40 % with keywords."""
    chance = random.Random(1)
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 5))) for _ in range(30_000)]
    weights = [1 / (rank + 2) for rank in range(len(words))]
    names = FAMILIES + [word.title() for word in words[:400]]
    stock = iter(chance.choices(words, weights, k=70 * count + 1000))

    def some(length: int) -> str:
        return " ".join(next(stock) for _ in range(length))

    for number in range(count):
        authors = [f"{chance.choice(names)}, {chance.choice('ABCDEF')}." for _ in range(chance.randint(1, 6))]
        year = str(chance.randint(1990, 2026))
        title = some(8).capitalize() + " quantization" * (number % 10 == 3) + " diffusion" * (number % 50 == 7)
        entry = {"key": f"{words[number % 300]}{year}k{number}", "title": f"{title} {number}", "year": year}
        entry |= {"author": " and ".join(authors), "journal": f"Journal of {some(2)}"}
        entry |= {"doi": f"10.1000/x{number}"} if number % 3 else {}
        entry |= {"abstract": some(100)} if number % 2 else {}
        yield entry | ({"keywords": ", ".join(chance.choices(words[:200], k=3))} if number % 5 < 2 else {})


def as_bib(entry: dict[str, str]) -> str:
    rows = ",\n".join(f"  {name} = {{{value}}}" for name, value in entry.items() if name != "key")
    return f"@article{{{entry['key']},\n{rows}\n}}\n"


# A process begins with the peak of the one that starts it, so a small one starts them all.
STARTER = """
import json, os, subprocess, sys, tempfile
for line in sys.stdin:
    command, folder, env = json.loads(line)
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        said.seek(0)
        text = said.read().decode("utf-8", "replace")[-2000:]
    print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, os.waitstatus_to_exitcode(status), text]))
    sys.stdout.flush()
"""


class Failed(Exception):
    """A command that did not end well, and what it said."""


@cache
def starter() -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", STARTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def timed(command: Sequence[str], folder: Path, env: dict[str, str], terminal: bool = False) -> tuple[float, int]:
    """Processor seconds of one run, and its peak of memory in bytes."""
    if terminal:
        command = ["script", "-qec", shlex.join(command), "/dev/null"]
    pipe = starter()
    assert pipe.stdin, "a pipe"
    assert pipe.stdout, "a pipe"
    pipe.stdin.write(json.dumps([list(command), str(folder), env]) + "\n")
    pipe.stdin.flush()
    seconds, peak, status, text = json.loads(pipe.stdout.readline())
    if status:
        raise Failed(f"{' '.join(command)}: status {status}\n{text}")
    return seconds, peak


class Bench:
    """Collections of one size, ours and those of the peers, and the commands on them."""

    def __init__(self, work: Path, count: int) -> None:
        self.folder = work / str(count)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.count, self.peers = count, work / "peers"
        self.base, self.bib = self.folder / "kb", self.folder / "all.bib"
        self.papers = list(entries(count))
        self.bib.write_text("\n".join(map(as_bib, self.papers)), encoding="utf-8")
        self.kb = [sys.executable, "-c", "from readrun import main; main()"]
        self.env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self.env |= {"PYTHONPATH": str(ROOT), "HOME": str(self.folder), "COLUMNS": "100", "TERM": "xterm"}
        self.env |= {
            f"XDG_{name}_HOME": str(self.folder / name.lower()) for name in ("CONFIG", "CACHE", "DATA", "STATE")
        }
        self.fresh = 0

    def run(self, case: Case, who: str) -> tuple[float, int]:
        case.before()
        command = [*self.kb, *case.kb] if who == "kb" else [str(self.peers / who / "bin" / who), *case.peers[who]]
        env = self.env
        if case.name == "complete a key":
            env = env | {"_KB_COMPLETE": "zsh_complete", "COMP_WORDS": f"kb show {self.key[:6]}", "COMP_CWORD": "2"}
        return timed(command, self.base if who == "kb" else self.folder, env, case.terminal and who == "kb")

    @property
    def key(self) -> str:
        return self.papers[self.count // 2]["key"]

    def fill(self, peers: Sequence[str]) -> dict[str, Row]:
        """Their libraries hold the same entries; what it cost those who took them in themselves."""
        if "papis" in peers:
            self.fill_papis()
        return self.fill_others([peer for peer in peers if peer != "papis"])

    def fill_papis(self) -> None:
        """Its library as it lies on the disk: a folder with an info.yaml for each document."""
        config = self.folder / "config" / "papis" / "config"
        config.parent.mkdir(parents=True)
        library = self.folder / "papis"
        config.write_text(
            f"[settings]\ndefault-library = main\ndatabase-backend = sqlite\n[main]\ndir = {library}\n",
            encoding="utf-8",
        )
        for number, paper in enumerate(self.papers):
            place = library / f"d{number}"
            place.mkdir(parents=True)
            facts = {"ref": paper["key"], "papis_id": f"{number:032x}", "type": "article"} | paper
            lines = [
                f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in facts.items() if name != "key"
            ]
            (place / "info.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def fill_others(self, peers: Sequence[str]) -> dict[str, Row]:
        """By their own import; what they say of an entry that they refuse is theirs."""
        config = self.folder / "cobib.py"
        config.write_text(
            f"from cobib.config import config\nconfig.database.file = {str(self.folder / 'cobib.yaml')!r}\n"
            f"config.logging.logfile = {str(self.folder / 'cobib.log')!r}\n", encoding="utf-8",
        )  # fmt: skip
        cost: dict[str, Row] = {}
        for who, *steps in (
            ("cobib", ["-c", str(config), "init"], ["-c", str(config), "import", "--bibtex", "--", str(self.bib)]),
            ("pubs", ["--config", "pubsrc", "init", "-p", "pubs"], ["--config", "pubsrc", "import", str(self.bib)]),
        ):
            try:
                for step in steps if who in peers else ():
                    seconds, peak = timed([str(self.peers / who / "bin" / who), *step], self.folder, self.env)
                    cost[who] = {"seconds": seconds, "bytes": peak, "runs": 1}
            except Failed as error:
                print(f"{who} is left out: {error}", file=sys.stderr, flush=True)
                cost.pop(who, None)
        return cost

    def new_entry(self) -> None:
        """An entry that nobody has yet, in new.bib."""
        self.fresh += 1
        entry = {"key": f"zebra2024n{self.fresh}", "title": f"The {self.fresh}th zebra", "journal": "Journal of Zebras"}
        entry |= {"author": "Zebra, Zoe", "year": "2024"}
        (self.folder / "new.bib").write_text(as_bib(entry), encoding="utf-8")

    def touch_one(self) -> None:
        """Somebody writes over a paper file in place."""
        path = self.base / "papers" / f"{self.key}.md"
        self.fresh += 1
        path.write_text(path.read_text(encoding="utf-8").rstrip() + f"\n\nNote {self.fresh}.\n", encoding="utf-8")
        time.sleep(0.1)

    def mark_unread(self) -> None:
        """So that there is something to mark."""
        timed([*self.kb, "mark-unread", self.key], self.base, self.env)
        time.sleep(0.1)  # a file that was written this moment is read again by whoever comes next

    def rename(self) -> list[str]:
        return ["rename", self.papers[7]["key"], "renamed2024one"]

    def cases(self) -> list[Case]:
        few, new, out = ["author:hinton", "year:2003"], str(self.folder / "new.bib"), str(self.folder / "out.bib")
        cobib, pubs = ["-c", "cobib.py"], ["--config", "pubsrc"]
        index = self.base / ".kb" / "index.sqlite"
        return [
            Case("help", ["--help"], {"papis": ["--help"], "cobib": ["--help"], "pubs": ["--help"]}),
            Case("complete a key", []),
            Case("list all", ["list"], {
                "papis": ["list", "--all", "*"], "cobib": [*cobib, "list"], "pubs": [*pubs, "list"]}),
            Case("list all, on a terminal", ["list"], terminal=True),
            Case("list -n 20", ["list", "-n", "20"]),
            Case("a field", ["list", "author:nguyen"], {
                "papis": ["list", "--all", "author:nguyen"], "cobib": [*cobib, "list", "++author", "Nguyen"],
                "pubs": [*pubs, "list", "author:nguyen"]}),
            Case("free text", ["search", "quantization"], {
                "papis": ["list", "--all", "quantization"], "cobib": [*cobib, "search", "quantization"]}),
            *([Case("by meaning", ["search", "--like", "how to train with little memory"])] if MEANING else []),
            Case("show", ["show", self.key], {
                "papis": ["list", "--info", f"ref:{self.key}"], "cobib": [*cobib, "show", self.key]}),
            Case("open", ["open", self.papers[1]["key"], "--print"]),
            Case("next", ["next"]),
            Case("stats", ["stats"], {"pubs": [*pubs, "statistics"]}),
            Case("add a .bib", ["add", new], {
                "papis": ["add", "--batch", "--from", "bibtex", new], "cobib": [*cobib, "add", "-b", new],
                "pubs": [*pubs, "add", new]}, self.new_entry),
            Case("mark-read", ["mark-read", self.key], before=self.mark_unread),
            Case("tag", ["tag", self.key, "seen"], {"pubs": [*pubs, "tag", self.key, "seen"]}),
            Case("note", ["note", self.key, "a note"]),
            Case("export .bib, all", ["export", "bib", "-o", out, "--replace"], {
                "papis": ["export", "--all", "--format", "bibtex", "--out", f"{out}.papis", "*"],
                "cobib": [*cobib, "export", "--bibtex", f"{out}.cobib"], "pubs": [*pubs, "export"]},
                slow=True),
            Case("export .bib, a few", ["export", "bib", *few]),
            Case("import again, nothing new", ["import", str(self.bib)], once=True),
            Case("index from nothing", ["list", "-n", "1"], before=lambda: index.unlink(missing_ok=True), once=True),
            Case("check", ["check"], once=True),
            Case("check after one change", ["check"], before=self.touch_one, slow=True),
            Case("fmt", ["fmt"], once=True),
            Case("fmt after one change", ["fmt"], before=self.touch_one),
            Case("rename", self.rename(), once=True),
        ]  # fmt: skip


def install(folder: Path, peers: Sequence[str]) -> None:
    """The peers, each in an environment of its own."""
    for name, packages in ((name, PEERS[name]) for name in peers):
        if not (folder / name / "bin" / name).exists():
            venv.create(folder / name, with_pip=True, clear=True)
            subprocess.run([folder / name / "bin" / "pip", "install", "--quiet", *packages], check=True)


def measured(bench: Bench, rounds: int, peers: Sequence[str]) -> dict[str, dict[str, Row]]:
    """By case and program: processor seconds and peak bytes, rounds interleaved."""
    taken: dict[str, dict[str, list[tuple[float, int]]]] = {}
    for turn in range(rounds):
        for case in bench.cases():
            if turn and (case.once or (case.slow and bench.count > MANY)):
                continue
            for who in ("kb", *(peer for peer in peers if peer in case.peers)):
                if run := tried(bench, case, who):
                    taken.setdefault(case.name, {}).setdefault(who, []).append(run)
                    print(f"{bench.count:>7,} {case.name:<28} {who:<6} {run[0]:8.3f} s", flush=True)
    return {
        name: {
            who: {"seconds": statistics.median(s for s, _ in runs), "bytes": max(b for _, b in runs), "runs": len(runs)}
            for who, runs in by.items()
        }
        for name, by in taken.items()
    }  # fmt: skip


def tried(bench: Bench, case: Case, who: str) -> tuple[float, int] | None:
    """One run; of a peer None where it failed, which is said."""
    try:
        return bench.run(case, who)
    except Failed as error:
        if who == "kb":
            raise
        print(f"{who} failed at {case.name}: {error}", file=sys.stderr, flush=True)
        return None


def measure(work: Path, count: int, rounds: int, peers: Sequence[str]) -> dict[str, dict[str, Row]]:
    bench = Bench(work, count)
    subprocess.run([*bench.kb, "init", str(bench.base)], check=True, env=bench.env, stdout=subprocess.DEVNULL)
    first = timed([*bench.kb, "import", str(bench.bib)], bench.base, bench.env)
    peers = [peer for peer in peers if peer == "papis" or count <= MOST_OF_PEERS]
    taken_in = {"kb": {"seconds": first[0], "bytes": first[1], "runs": 1}} | bench.fill(peers)
    peers = [peer for peer in peers if peer == "papis" or peer in taken_in]
    for case in bench.cases():  # caches are filled before anything is timed
        if case.name in ("list all", "by meaning"):
            for who in ("kb", *(peer for peer in peers if peer in case.peers)):
                tried(bench, case, who)
    return {"import a .bib": taken_in} | measured(bench, rounds, peers)


def table(record: Row) -> str:
    """The rows of every size, ratios to the quickest peer first."""
    sizes = {size: record["sizes"][size] for size in sorted(record["sizes"], key=int)}
    heads = " | ".join(f"at {int(size):,}" for size in sizes)
    lines = [f"| | {heads} |", "| --- |" + " :-- |" * len(sizes)]
    names = dict.fromkeys(name for rows in reversed(sizes.values()) for name in rows)
    for name in names:
        lines.append(f"| {name} | " + " | ".join(_cell(rows.get(name, {})) for rows in sizes.values()) + " |")
    around = record["environment"]
    return "\n".join(
        [*lines, "", f"{around['python']}, {around['machine']}, {around['date']}, commit {around['commit']}."]
    )


def _cell(by: dict[str, Row]) -> str:
    if "kb" not in by:
        return "–"
    ours = by["kb"]
    own = f"{ours['seconds']:.2f} s, {ours['bytes'] / 1e6:.0f} MB"
    others = {who: row for who, row in by.items() if who != "kb"}
    if not others:
        return own
    best = min(row["seconds"] for row in others.values())
    said = ", ".join(f"{who} {row['seconds']:.2f} s, {row['bytes'] / 1e6:.0f} MB" for who, row in others.items())
    return f"**{ours['seconds'] / best:.2f}** · {own}<br>{said}"


def environment() -> Row:
    """Where this was measured."""
    commit = subprocess.run(["git", "rev-parse", "--short=9", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    machine = f"{os.cpu_count()} cores, {platform.machine()}"
    python = f"Python {platform.python_version()}"
    return {"python": python, "machine": machine, "date": str(dt.date.today()), "commit": commit.stdout.strip()}


def main() -> None:
    """Measure, write the record, and the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--work", type=Path, help="where collections and environments go; a temporary folder if not said"
    )
    parser.add_argument("--page", type=Path, help="whose table to write anew")
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS))
    given = parser.parse_args()
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {"sizes": {}}
    with tempfile.TemporaryDirectory() as own:
        work = given.work or Path(own)
        if given.rounds:
            install(work / "peers", given.peers)
        for count in given.sizes if given.rounds else ():
            record["sizes"][str(count)] = measure(work.absolute(), count, given.rounds, given.peers)
            record["environment"] = environment()
            RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(table(record))
    if given.page:
        page = given.page.read_text(encoding="utf-8")
        given.page.write_text(PART.sub(lambda _: table(record) + "\n", page), encoding="utf-8")


if __name__ == "__main__":
    main()
