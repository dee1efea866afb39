"""Nearness of meaning, offline: the vectors of papers, kept in the index until the paper or the model is another."""

from __future__ import annotations

import math
import re
import sqlite3
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from catalog.cache import transaction
from catalog.facts import Facts
from catalog.progress import each
from catalog.search import rows
from catalog.search.cells import Beside
from catalog.search.encoder import Encoder, encoder
from catalog.search.fold import tokens
from catalog.text import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from catalog.search.encoder import Vectors

_PASSAGES = 40
_FAR = 0.25  # nearness of a question to the nearest of some hundred papers, where none is about it
_UNLIKE = 0.3  # nearness that texts about different things have by chance
_AT_ONCE = 500  # papers that are compared with all others in one product
_HELD_AT_ONCE = 2000  # papers whose vectors are in memory for a question
_HELD = "SELECT doc FROM vocabulary WHERE term = ?"
_WITHOUT = " FROM paper WHERE NOT EXISTS (SELECT 1 FROM vector WHERE vector.id = paper.id)"
_STEPS = 400  # in which a number from 0 to 1 is kept; hardly one of a vector of length one is above 0.3
_SENTENCE = re.compile(r"(?<=[.!?:;])\s+|\n{2,}")


def passages(prose: str, words: int) -> Iterator[str]:
    """A text in pieces of some sentences each, of so many words."""
    held: list[str] = []
    made = 0
    for sentence in _SENTENCE.split(prose):
        held += sentence.split()
        while len(held) >= words and made < _PASSAGES:
            yield " ".join(held[:words])
            held, made = held[words:], made + 1
    if held and made < _PASSAGES:
        yield " ".join(held)


def nearest(db: sqlite3.Connection, text: str, apart: str = "") -> tuple[dict[int, float], bool]:
    """By id, how near the title or any passage of each paper is to a text, the nearest first; without the paper
    `apart`. And whether even the first is far from it.

    Papers that have no vectors yet get them first. Raises `KbError` where the model is not there.
    """
    model = encoder()
    import numpy as np

    _complete(db, model)
    (papers,) = db.execute("SELECT count(*) FROM body").fetchone()

    def rarity(word: str) -> float:
        held = [row[0] for token in tokens(word) for row in db.execute(_HELD, (token,))]
        return math.log(1 + papers / (1 + min(held, default=0)))

    asked = model.ask(text, rarity) / _STEPS
    ids: list[int] = []
    near = [np.zeros(0, np.float32)]
    held = db.execute("SELECT id, passages FROM vector ORDER BY id")
    while some := held.fetchmany(_HELD_AT_ONCE):
        vectors, starts = _vectors([passages for _, passages in some], model.width)
        near.append(np.maximum.reduceat(vectors @ asked, starts))
        ids += [i for i, _ in some]
    (own,) = db.execute("SELECT coalesce(max(id), 0) FROM paper WHERE key = ?", (apart,)).fetchone()
    away = -np.concatenate(near)
    order = np.argsort(away, kind="stable").tolist()
    found = {i: value for place, value in zip(order, (-away[order]).tolist(), strict=True) if (i := ids[place]) != own}
    return found, bool(away.min(initial=0) > -_FAR)


def neighbours(db: sqlite3.Connection, limit: int) -> dict[str, list[str]]:
    """By key, the papers whose whole text means most nearly the same, the nearest first.

    Papers that have no vectors yet get them first. Raises `KbError` where the model is not there.
    """
    model = encoder()
    import numpy as np

    _complete(db, model)
    found = db.execute("SELECT key, passages FROM vector JOIN paper USING (id) ORDER BY id").fetchall()
    keys = [key for key, _ in found]
    if len(keys) < 2:
        return {key: [] for key in keys}
    whole = np.add.reduceat(*_vectors([passages for _, passages in found], model.width))
    whole /= np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-9)
    near: dict[str, list[str]] = {}
    for first in range(0, len(keys), _AT_ONCE):
        alike = whole[first : first + _AT_ONCE] @ whole.T  # (some papers, all papers)
        for row, key in enumerate(keys[first : first + _AT_ONCE]):
            alike[row, first + row] = -1
            near[key] = [keys[place] for place in _largest(alike[row], limit) if alike[row, place] > _UNLIKE]
    return near


def _vectors(kept: Sequence[bytes], width: int) -> tuple[Vectors, NDArray[np.intp]]:
    """The vectors of papers as the index keeps them, a byte a number, shape (passages, width), all longer by the same
    factor; and where those of each paper start."""
    import numpy as np

    ends = np.cumsum([len(passages) // width for passages in kept])
    return np.frombuffer(b"".join(kept), np.int8).reshape(-1, width).astype(np.float32), np.append(0, ends[:-1])


def _largest(values: Vectors, count: int) -> Sequence[int]:
    """The places of the largest values, the largest first, of equal ones the first; not all are sorted for it."""
    import numpy as np

    count = min(count, len(values))
    enough = np.flatnonzero(values >= np.partition(values, -count)[-count])
    return [int(place) for place in enough[np.argsort(-values[enough], kind="stable")][:count]]


def _complete(db: sqlite3.Connection, model: Encoder) -> None:
    """Make the vectors of papers that have none of this model; what is made stays where the rest is interrupted."""
    if db.execute("SELECT value FROM meta WHERE name = 'encoder'").fetchone() != (model.name,):
        with transaction(db, "IMMEDIATE"):
            db.execute("DELETE FROM vector")
            rows.set_meta(db, "encoder", model.name)
    (missing,) = db.execute(f"SELECT count(*) {_WITHOUT}").fetchone()
    deque(each(_made(db, model), "reading", missing), 0)


def _made(db: sqlite3.Connection, model: Encoder) -> Iterator[int]:
    """The ids of the papers whose vectors have been made and kept, one after the other."""
    while True:
        with transaction(db):
            found = db.execute(f"SELECT id, stamp {_WITHOUT} ORDER BY id LIMIT {model.at_once}").fetchall()
            ids = [i for i, _ in found]
            papers, said = rows.load(db, ids), rows.beside(db, ids)
        if not found:
            return
        texts = [_pieces(one, said[i], model) for i, one in zip(ids, papers, strict=True)]
        vectors = (model.encode([text for of in texts for text in of]) * _STEPS).round().clip(-127, 127).astype("int8")
        at = 0
        with transaction(db, "IMMEDIATE"):
            for (i, stamp), of in zip(found, texts, strict=True):
                kept = vectors[at : at + len(of)].tobytes()
                at += len(of)  # what was changed by now is made again
                db.execute(
                    "INSERT OR REPLACE INTO vector SELECT id, ? FROM paper WHERE id = ? AND stamp = ?", (kept, i, stamp)
                )
        yield from ids


def _pieces(one: Facts, said: Beside, model: Encoder) -> list[str]:
    """What of a paper gets a vector: its title, and pieces of its text."""
    title, abstract = f"{one.heading} {' '.join(one.tags)}".strip(), plain(one.abstract)
    prose = [one.notes, said.told]  # a notebook says a little of everything
    if model.reads_on:
        return [
            title,
            *([f"{one.heading}. {abstract}"] if abstract else []),
            *passages("\n\n".join(prose), model.words),
        ]
    return [title, *passages("\n\n".join([abstract, *prose]), model.words)]
