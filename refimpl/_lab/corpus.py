"""What `tiny` reads: glosses, prose, code and records, from packages of Debian 12 that anybody may use and pass on.

    wordnet-base           WordNet 3.0 glosses            WordNet 3.0 licence
    python3.11-doc         Python's manual, paragraphs    PSF licence
    dict-jargon            the Jargon File                public domain
    dict-devil             The Devil's Dictionary         public domain
    r-cran-janeaustenr     Jane Austen's six novels       public domain (the package: MIT)
    libjs-jquery, -jquery-ui, -lodash, -underscore, -backbone, -three    JavaScript    MIT
    libjs-leaflet          JavaScript                     BSD, two clauses

No code among it is Python, and no record is JSON: both are what tasks ask a model to learn. Fetch them without
installing anything, and unpack them into one folder:

    apt-get download PACKAGE... && for deb in *.deb; do dpkg-deb -x $deb ROOT; done
"""

from __future__ import annotations

import gzip
import random
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from refimpl._lab import LabError, wordnet
from refimpl._lab.records import record_text

PACKAGES = (
    *("wordnet-base", "python3.11-doc", "dict-jargon", "dict-devil", "r-cran-janeaustenr", "libjs-jquery"),
    *("libjs-jquery-ui", "libjs-lodash", "libjs-underscore", "libjs-backbone", "libjs-three", "libjs-leaflet"),
)
SHARES = {"records": 0.34, "glosses": 0.26, "prose": 0.22, "code": 0.18}  # of the rows that are read
RECORDS = 40_000
PIECE = 3_000  # characters of prose or code between two ends
_CODE = ("jquery/jquery", "jquery-ui/jquery-ui", "lodash/lodash", "underscore/underscore", "backbone/backbone",
         "three/three", "leaflet/leaflet")  # fmt: skip
_LETTER = 9  # the type of a string of R, among the low bits of its header
_MARKED = re.compile(r"[*`:]{1,2}(?:[\w.+-]+:`)?|_\b|`_*")  # what reStructuredText marks words with


def read(root: Path, seed: int) -> dict[str, list[str]]:
    """The texts of each kind. Raises `LabError` where a package is not unpacked in `root`."""
    synsets = [s for s in wordnet.parse(_at(root, "usr/share/wordnet")) if not wordnet.held_out(s)]
    order = random.Random(seed)
    return {
        "records": [record_text(synsets, order) for _ in range(RECORDS)],
        "glosses": [s.text for s in synsets],
        "prose": [*_manual(root), *_dictionaries(root), *_novels(root)],
        "code": [piece for name in _CODE for piece in _pieces(_text(_at(root, f"usr/share/javascript/{name}.js")))],
    }


def _at(root: Path, place: str) -> Path:
    if not (root / place).exists():
        raise LabError(f"{root / place} is not there; unpack into {root}: {' '.join(PACKAGES)}")
    return root / place


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace").replace("\t", "    ")


def _pieces(text: str) -> Iterator[str]:
    """The text in order, cut at line ends."""
    piece: list[str] = []
    for line in text.splitlines():
        piece.append(line.rstrip())
        if sum(map(len, piece)) > PIECE:
            yield "\n".join(piece).strip("\n")
            piece = []
    yield "\n".join(piece).strip("\n")


def _manual(root: Path) -> Iterator[str]:
    """The paragraphs of Python's manual that are sentences: no code, no tables, no headings."""
    for file in sorted(_at(root, "usr/share/doc/python3.11/html/_sources").rglob("*.txt")):
        found = [" ".join(p.split()) for p in re.split(r"\n\s*\n", _text(file)) if p[:1].isupper() and "::" not in p]
        plain = [_MARKED.sub("", p) for p in found if p.endswith(".") and ">>>" not in p]
        if plain:
            yield from _pieces("\n".join(plain))


def _dictionaries(root: Path) -> Iterator[str]:
    for name in ("jargon", "devil"):
        text = gzip.decompress(_at(root, f"usr/share/dictd/{name}.dict.dz").read_bytes()).decode("utf-8", "replace")
        yield from _pieces(re.sub(r"\n[ \t]+", "\n", text))


def _novels(root: Path) -> Iterator[str]:
    """Paragraphs of the novels, from the compressed vectors of strings in R's file."""
    data = _at(root, "usr/lib/R/site-library/janeaustenr/data/Rdata.rdb").read_bytes()
    while len(data) > _SHORTEST:
        stream = zlib.decompressobj()
        lines = list(_strings(stream.decompress(data[4:])))  # behind the length
        data = stream.unused_data
        paragraphs = [" ".join(part.split("\n")) for part in re.split(r"\n\n+", "\n".join(lines))]
        yield from _pieces("\n".join(paragraphs))


_SHORTEST = 8


def _strings(packed: bytes) -> Iterator[str]:
    """The strings of a serialised R object, each behind its type and length."""
    at = packed.find(b"\x00\x04\x00\x09")
    while 0 <= at < len(packed) - 8 and packed[at + 3] == _LETTER:
        n = int.from_bytes(packed[at + 4 : at + 8], "big")
        yield packed[at + 8 : at + 8 + n].decode("utf-8", "replace")
        at += 8 + n
