"""WordNet's dict files as records: words, gloss, examples, noun class, hypernym, antonym; and which are held out."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PARTS = {"n": "noun", "v": "verb", "a": "adj", "s": "adj", "r": "adv"}
NOUN_CLASSES = (  # the lexicographer files 03 to 28, lexnames(5WN)
    *("tops", "act", "animal", "artifact", "attribute", "body", "cognition", "communication", "event"),
    *("feeling", "food", "group", "location", "motive", "object", "person", "phenomenon", "plant"),
    *("possession", "process", "quantity", "relation", "shape", "state", "substance", "time"),
)
_FIRST_NOUN_FILE = 3
_MARK = re.compile(r"\((?:a|p|ip)\)$")  # where an adjective may stand: "galore(ip)"


@dataclass(frozen=True, slots=True)
class Synset:
    """One meaning: its words, what it is, and how it hangs together with others. Empty where there is none."""

    id: str
    part: str
    words: tuple[str, ...]
    gloss: str
    examples: tuple[str, ...] = ()
    noun_class: str = ""
    hypernym: str = ""
    antonym: str = ""

    @property
    def line(self) -> str:
        """`words: gloss`, as the tiny model reads it."""
        return f"{', '.join(self.words)}: {self.gloss}"

    @property
    def text(self) -> str:
        """The line, and each example on a line of its own."""
        return "\n".join([self.line, *(f'"{example}"' for example in self.examples)])


def held_out(synset: Synset) -> bool:
    """One meaning in ten, by the hash of its id, is never trained on."""
    return hashlib.sha256(synset.id.encode()).digest()[0] % 10 == 0


def parse(folder: Path) -> list[Synset]:
    """Every synset of the four data files (wndb(5WN)), in file order."""
    rows = [row for part in ("noun", "verb", "adj", "adv") for row in _rows(folder / f"data.{part}")]
    words = {f"{row.part}{row.offset}": row.words for row in rows}
    return [row.synset(words) for row in rows]


@dataclass(frozen=True, slots=True)
class _Row:
    offset: str
    file: int
    part: str
    words: tuple[str, ...]
    pointers: tuple[tuple[str, str, str], ...]  # symbol, synset, source and target word in hex
    text: str

    def synset(self, words: dict[str, tuple[str, ...]]) -> Synset:
        gloss, *examples = re.split(r';?\s*(?:^|(?<=[;\s]))"', self.text)
        cleaned = tuple(e.rstrip(' ;"').strip() for e in examples)
        hypernym = next((words[to][0] for symbol, to, _ in self.pointers if symbol in ("@", "@i")), "")
        antonym = next((words[to][int(at[2:], 16) - 1] for symbol, to, at in self.pointers if symbol == "!"), "")
        nouns = range(_FIRST_NOUN_FILE, _FIRST_NOUN_FILE + len(NOUN_CLASSES))
        return Synset(
            id=f"{self.part}{self.offset}",
            part=PARTS[self.part],
            words=self.words,
            gloss=gloss.strip(" ;"),
            examples=tuple(e for e in cleaned if e),
            noun_class=NOUN_CLASSES[self.file - _FIRST_NOUN_FILE] if self.file in nouns else "",
            hypernym=hypernym,
            antonym=antonym,
        )


def _rows(file: Path) -> Iterator[_Row]:
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("  "):  # the licence, at the head of each file
            continue
        head, _, text = line.partition(" | ")
        offset, number, part, count, *rest = head.split()
        n = int(count, 16)
        words = tuple(_MARK.sub("", word).replace("_", " ") for word in rest[: 2 * n : 2])
        at = 2 * n + 1
        pointers = [rest[at + 4 * i : at + 4 * i + 4] for i in range(int(rest[2 * n]))]
        targets = tuple((symbol, f"{_kind(kind)}{to}", where) for symbol, to, kind, where in pointers)
        yield _Row(offset, int(number), _kind(part), words, targets, text.strip())


def _kind(part: str) -> str:
    return "a" if part == "s" else part  # satellites share the adjectives' file and its offsets


def write(synsets: Iterable[Synset], file: Path) -> None:
    """A gzip file of JSON lines; the same bytes every time."""
    lines = "".join(json.dumps({k: v for k, v in asdict(s).items() if v}, ensure_ascii=False) + "\n" for s in synsets)
    file.write_bytes(gzip.compress(lines.encode(), compresslevel=9, mtime=0))


def read(file: Path) -> list[Synset]:
    """The synsets of a file that `write` made."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in gzip.decompress(file.read_bytes()).decode().splitlines()]
    return [_synset({k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}) for row in rows]


def _synset(row: dict[str, Any]) -> Synset:
    return Synset(**row)
