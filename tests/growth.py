"""The time that each reader takes against the size of what it reads: python tests/growth.py [READER ...]

Each pattern is repeated to 10 kB, 100 kB and 1 MB and read in a process of its own. Wrong is what ends by a signal, takes
more than `MOST` seconds of CPU for 1 MB, or `EACH` for every paper in it, or grows faster than the text: more than
`STEEPEST` times as long for ten times as much.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import process_time

from catalog import manuscript, notebook, readers
from catalog.bibtex import scan
from catalog.bibtex.describe import describe
from catalog.bibtex.shared import Shared
from catalog.errors import KbError
from catalog.files import parse_json
from catalog.ingest import Source, parse
from catalog.pages.docstring import docstring_html
from catalog.pages.notes import notes_html
from catalog.paperfile import dumps, loads
from catalog.search.index import Index
from catalog.store.config import read_config

SIZES = (10_000, 100_000, 1_000_000)
MOST = 6.5  # s of CPU for the largest; 5 is meant, and 330,000 items, one in another, take 5.9 on a core of 2026
EACH = 50e-6  # s of CPU for a paper: 1 MB of "abc" in lines is 250,000 of them
STEEPEST = 25.0
SHORT = 0.3  # s: below, the clock says little of growth
LIMIT = 60  # s of CPU, after which a reader is stopped

_PARTS = str.split(
    "[ ![ ]( ]: { } @ @a{ @article{k, @article{k,a={ @string{ @comment{ x={a}, # \\ \\\" \\( \\[ \\cite{ \\begin{a} $ , * ** _ _a "
    "` ``` ~~~ | |- < <a <!-- </ </a> <details> <math> &amp; & > - + 1. = ( ) : :: !!! é \u202e 0 - -- .. . a. a.b http:// "
    "http://a.b/ 10.1000/a arXiv:2106.09685 <br> [a](b) [a][b] [a]: [[a]] \" ' \"\"\" ''' % %% %[ ~ ^ ; ? & *a !! | \\u \\ud800"
)  # fmt: skip
_LINES = (
    "- a", "- [ ] a", "1. a", "# a", "###### a", "---", "***", "===", "+++", "```", "~~~", "> a", ">", "| a | b |", "|-|-|", "a: b",
    "a:", "- - a", "@a{b}", "@article{k,\n t={x}\n}", "[a]: http://x.y", "#### t [`READ`]", "paper link: [here](http://x.y)", "//", "",
    " ", "\t", "\\input{a}", "%", "[a]", "[[a]]", "a = 1", "a.b = 1", "<a>", "a and b and", ".. a::", "#+a: b", "<<<<<<< a", "=======",
    '"k" = { status = "read" }', "TY  - JOUR", "a,b,c", "$$", "\\[", "::: a", "a\n: b", "a | b", "a,2020", '{"title":"a"},', "Read\n2106.09685", "[^a]: b", "[^a]",
)  # fmt: skip
_OPENERS = str.split(  # what a reader of a manuscript looks for, and never ends
    "\\usepackage[ \\newcommand\\a[ \\input{a} \\cite[ \\def\\a#1{ <bcf:citekey <pre> :cite [cite:@ =a: cite:a cite:[a /* "
    "{{<include label( [@a @a"
)  # fmt: skip
_OPENED = ("#+begin_src\n", "\\begin_inset CommandInset citation\n", ".. toctree::\n", "=a ", "\\input{a}\n", "----a\n")
PATTERNS = (
    *_PARTS,
    *(f"{part} " for part in _PARTS),
    *(f"{line}\n" for line in _LINES),
    *_OPENERS,
    *_OPENED,
    "a",
    "a ",
    "and ",
    "e\u0301",
    "[a](",
    "((",
    "{a}{",
)


def _paper(text: str) -> None:
    dumps(loads(f"---\nstatus: read\n---\n\n{text}", "a"))


def _head(text: str) -> None:
    dumps(loads(f"---\n{text}\n---\n", "a"))


def _entry(text: str) -> None:
    describe(loads(f"---\n---\n\n```bibtex\n@article{{a, title={{{text}}}, author={{{text}}}, note={{}}}}\n```\n", "a"))


def _query(text: str) -> None:
    with Index(":memory:") as index:
        index.search(text)


def _config(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "kb.toml").write_text(text)
        read_config(Path(folder))


def _manuscripts(text: str) -> None:
    for name in ("a.tex", "a.aux", "a.bcf", "a.md", "a.qmd", "a.typ", "a.rst", "a.org"):
        manuscript.read(text, name)


def _imported(name: str, before: str = "") -> Callable[[str], object]:
    return lambda text: parse(before + text, name)


READERS: dict[str, Callable[[str], object]] = {
    "paper": _paper,
    "head": _head,
    "entry": _entry,
    "query": _query,
    "config": _config,
    "reader": lambda text: readers.loads(text, "a", "readers/a.toml"),
    "reader, a line": lambda text: readers.loads(f"[papers]\n{text}", "a", "readers/a.toml"),
    "list": _imported("a.md", "# List\n\n"),
    "item": _imported("a.md", "# List\n\n- [Paper](http://x.y/z) "),
    "heading": _imported("a.md", "# List\n\n#### "),
    "page": _imported("a.html", "<ul><li>"),
    "bib": _imported("a.bib", "@article{a, title={x}}\n"),
    "field": lambda text: list(scan(f"@article{{a, title={{{text}}}}}\n")),
    "shared": Shared.of,
    "table": _imported("a.csv", "title,year\n"),
    "data": _imported("a.json", "[1"),
    "yaml": _imported("a.yaml", "a: "),
    "ris": _imported("a.ris", "TY  - JOUR\n"),
    "manuscript": _manuscripts,
    "notes": lambda text: notes_html(text, {}),
    "docstring": lambda text: (docstring_html(f"Title: x\n\n{text}"), docstring_html(f"T: x\n\n    {text}")),
    "notebook": lambda text: notebook.read(text.encode("utf-8", "replace")),
    "record": lambda text: parse_json(text.encode("utf-8", "replace")),
}


def seconds(read: Callable[[str], object], text: str) -> tuple[float, int] | str:
    """The CPU time that reading takes and the number of papers found, or what went wrong."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        said = ""
        try:
            start = process_time()
            found: object = None
            with contextlib.suppress(KbError):
                found = read(text)
            said = f"{process_time() - start} {len(found.drafts) if isinstance(found, Source) else 0}"
        except BaseException as e:  # a process that ends in a moment
            said = f"{type(e).__name__}: {str(e)[:80]}"
        os.write(into, said.encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as stream:
        said = stream.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        took, papers = said.split()
        return (float(took), int(papers)) if status == 0 else f"ended by signal {-status}"
    except ValueError:
        return said if status == 0 else f"ended by signal {-status}"


def grown(name: str, patterns: Sequence[str] = PATTERNS, sizes: Sequence[int] = SIZES) -> Iterator[str]:
    """What is wrong with a reader."""
    for pattern in patterns:
        times: list[float] = []
        for size in sizes:
            told = seconds(READERS[name], (pattern * (size // len(pattern) + 1))[:size])
            if isinstance(told, str):
                yield f"{name}: {size:,} characters of {pattern!r}: {told}"
                break
            took, papers = told
            times.append(took)
            if took > max(MOST * max(0.2, size / SIZES[-1]), papers * EACH):
                yield f"{name}: {size:,} characters of {pattern!r}: {took:.1f} s"
                break
            steep = len(times) > 1 and took / max(times[-2], SHORT / 10)
            if took > SHORT and steep > STEEPEST:
                yield f"{name}: {size:,} characters of {pattern!r}: {times[-2]:.2f} s, then {took:.2f} s"
                break


def main() -> None:
    """Measure the readers named, or all, and say what is wrong."""
    wrong = 0
    for name in sys.argv[1:] or READERS:
        found = 0
        for problem in grown(name):
            found += 1
            print(problem, flush=True)
        print(f"{name}: {len(PATTERNS)} patterns, {found} wrong", flush=True)
        wrong += found
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
