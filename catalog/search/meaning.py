"""Nearness of meaning, offline: static word vectors that come inside the package `wordllama`.

Its 16 MB of weights are read as they are: a text is the mean of its tokens' vectors, of length one (Miller, "WordLlama:
Recycled token embeddings from large language models", 2024). The package itself is never imported.
"""

from __future__ import annotations

import json
import math
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.errors import KbError
from catalog.facts import Facts
from catalog.search import rows
from catalog.search.cells import Beside
from catalog.search.fold import tokens
from catalog.text import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's threads wait by turning round: twice the time for nothing
WIDTH = 256
_WORDS = 60  # of a passage: the mean of many words means little
_PASSAGES = 40
_FAR = 0.25  # nearness of a question to the nearest of some hundred papers, where none is about it
_UNLIKE = 0.3  # nearness that texts about different things have by chance
_AT_ONCE = 500  # papers that are compared with all others in one product
_HELD_AT_ONCE = 2000  # papers whose vectors are in memory for a question
_MOST_ASKED = 1000  # words of a question
_HELD = "SELECT doc FROM vocabulary WHERE term = ?"
_STEPS = 400  # in which a number from 0 to 1 is kept; hardly one of a vector of length one is above 0.3
_SENTENCE = re.compile(r"(?<=[.!?:;])\s+|\n{2,}")


def passages(title: str, prose: str) -> Iterator[str]:
    """What of a paper gets a vector: its title, then pieces of its text of some sentences each."""
    yield title
    held: list[str] = []
    made = 0
    for sentence in _SENTENCE.split(prose):
        held += sentence.split()
        while len(held) >= _WORDS and made < _PASSAGES:
            yield " ".join(held[:_WORDS])
            held, made = held[_WORDS:], made + 1
    if held and made < _PASSAGES:
        yield " ".join(held)


def nearest(db: sqlite3.Connection, text: str, apart: str = "") -> tuple[list[int], bool]:
    """The ids of all papers, those first whose title or any passage is nearest to a text; without the paper `apart`.
    And whether even the first is far from it.

    Papers that have no vectors yet get them first. Raises `KbError` where the model is not there.
    """
    _need_model()
    import numpy as np

    _complete(db)
    asked = _asked(db, text)
    ids: list[int] = []
    near = [np.zeros(0, np.float32)]
    held = db.execute("SELECT id, passages FROM vector ORDER BY id")
    while some := held.fetchmany(_HELD_AT_ONCE):
        vectors, starts = _vectors([passages for _, passages in some])
        near.append(np.maximum.reduceat(vectors @ asked, starts))
        ids += [i for i, _ in some]
    (own,) = db.execute("SELECT coalesce(max(id), 0) FROM paper WHERE key = ?", (apart,)).fetchone()
    away = -np.concatenate(near)
    order = [i for place in np.argsort(away, kind="stable").tolist() if (i := ids[place]) != own]
    return order, bool(away.min(initial=0) > -_FAR * _STEPS)


def _asked(db: sqlite3.Connection, text: str) -> Vectors:
    """The vector of a question, shape (256,): a word that few papers have weighs more than one that all have."""
    weights, tokenizer = _model()
    import numpy as np

    words = text.split()[:_MOST_ASKED]
    (papers,) = db.execute("SELECT count(*) FROM body").fetchone()
    made = np.zeros(WIDTH, np.float32)
    for word, encoded in zip(words, tokenizer.encode_batch(words, add_special_tokens=False), strict=True):
        held = [row[0] for token in tokens(word) for row in db.execute(_HELD, (token,))]
        made += math.log(1 + papers / (1 + min(held, default=0))) * weights[encoded.ids].astype(np.float32).sum(axis=0)
    return np.asarray(made / max(float(np.linalg.norm(made)), 1e-9), np.float32)


def neighbours(db: sqlite3.Connection, limit: int) -> dict[str, list[str]]:
    """By key, the papers whose whole text means most nearly the same, the nearest first.

    Papers that have no vectors yet get them first. Raises `KbError` where the model is not there.
    """
    _need_model()
    import numpy as np

    _complete(db)
    found = db.execute("SELECT key, passages FROM vector JOIN paper USING (id) ORDER BY id").fetchall()
    keys = [key for key, _ in found]
    if len(keys) < 2:
        return {key: [] for key in keys}
    whole = np.add.reduceat(*_vectors([passages for _, passages in found]))
    whole /= np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-9)
    near: dict[str, list[str]] = {}
    for first in range(0, len(keys), _AT_ONCE):
        alike = whole[first : first + _AT_ONCE] @ whole.T  # (some papers, all papers)
        for row, key in enumerate(keys[first : first + _AT_ONCE]):
            alike[row, first + row] = -1
            near[key] = [keys[place] for place in _largest(alike[row], limit) if alike[row, place] > _UNLIKE]
    return near


def _vectors(kept: Sequence[bytes]) -> tuple[Vectors, NDArray[np.intp]]:
    """The vectors of papers as the index keeps them, a byte a number, shape (passages, 256), all longer by the same
    factor; and where those of each paper start."""
    import numpy as np

    ends = np.cumsum([len(passages) // WIDTH for passages in kept])
    return np.frombuffer(b"".join(kept), np.int8).reshape(-1, WIDTH).astype(np.float32), np.append(0, ends[:-1])


def _largest(values: Vectors, count: int) -> Sequence[int]:
    """The places of the largest values, the largest first, of equal ones the first; not all are sorted for it."""
    import numpy as np

    count = min(count, len(values))
    enough = np.flatnonzero(values >= np.partition(values, -count)[-count])
    return [int(place) for place in enough[np.argsort(-values[enough], kind="stable")][:count]]


def _complete(db: sqlite3.Connection) -> None:
    """Make the vectors of papers that have none, some hundred papers at a time."""
    missing = (
        "SELECT id FROM paper WHERE NOT EXISTS (SELECT 1 FROM vector WHERE vector.id = paper.id) ORDER BY id LIMIT 500"
    )
    while ids := [i for (i,) in db.execute(missing)]:
        papers, said = zip(ids, rows.load(db, ids), strict=True), rows.beside(db, ids)
        made = ((i, (embed(_pieces(one, said[i])) * _STEPS).round().clip(-127, 127)) for i, one in papers)
        kept = ((i, vectors.astype("int8").tobytes()) for i, vectors in made)
        db.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?)", kept)


def _pieces(one: Facts, said: Beside) -> list[str]:
    tags = " ".join(one.tags)
    prose = "\n\n".join((plain(one.abstract), one.notes, said.told))  # a notebook says a little of everything
    return list(passages(f"{one.heading} {tags}".strip(), prose))


def embed(texts: Sequence[str]) -> Vectors:
    """The vectors of texts, shape (texts, 256), float32, each of length one; a text without a known word is zero.

    Raises `KbError` that says what to install where the model is not there.
    """
    weights, tokenizer = _model()
    import numpy as np

    made = np.zeros((len(texts), WIDTH), np.float32)
    for row, encoded in zip(made, tokenizer.encode_batch(list(texts), add_special_tokens=False), strict=True):
        if encoded.ids:
            row[:] = weights[encoded.ids].astype(np.float32).mean(axis=0)
    lengths = np.linalg.norm(made, axis=1, keepdims=True)
    return np.asarray(made / np.maximum(lengths, 1e-9), np.float32)


def _need_model() -> None:
    """Raise `KbError` where the model, or what reads it, is not installed."""
    if not all(map(find_spec, ("numpy", "tokenizers", "wordllama"))):
        raise KbError("searching by meaning needs a model of 16 MB: pip install 'readrun[semantic]'")


@cache
def _model() -> tuple[Any, Any]:
    """The weights, shape (32000, 256) in float16, and the tokenizer that counts their rows."""
    _need_model()
    found = find_spec("wordllama")
    assert found, "it has just been looked for"
    import numpy as np
    from tokenizers import Tokenizer

    folder = Path(found.origin or ".").parent
    try:
        weights = folder / "weights" / "l2_supercat_256.safetensors"
        with weights.open("rb") as file:  # its header says where the numbers are; a question needs few of them
            size = int.from_bytes(file.read(8), "little")
            told = json.loads(file.read(size))["embedding.weight"]
        rows = np.memmap(weights, np.float16, "r", 8 + size + told["data_offsets"][0], tuple(told["shape"]))
        tokenizer = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    except Exception as e:  # whatever is wrong with the package's files, the remedy is one
        raise KbError(f"the model in {folder} cannot be read ({e}); pip install --force-reinstall wordllama") from None
    tokenizer.no_padding()
    return rows, tokenizer
