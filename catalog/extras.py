"""What is installed only by those who need it: the extras of the package, and what is missing of one."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from catalog.errors import KbError

EXTRAS: Mapping[str, tuple[str, ...]] = {  # the modules that make an extra
    "site": (
        "jinja2",
        "markdown",
        "markupsafe",
        "material",
        "math_core",
        "mkdocs",
        "nh3",
        "PIL",
        "pygments",
        "pymdownx",
    ),
    "run": ("accelerate", "bitsandbytes", "huggingface_hub", "peft", "safetensors", "torch", "transformers"),
    "cluster": ("ray",),
    "pick": ("prompt_toolkit",),
    "semantic": ("numpy", "tokenizers", "wordllama"),
}


def need(extra: str) -> None:
    """Raise `KbError` with the remedy where a module of an extra is not installed."""
    for module in EXTRAS[extra]:
        if find_spec(module) is None:
            raise KbError(lacking(module))


def lacking(module: str) -> str:
    """The line for a module of an extra that is not installed."""
    return f"this needs {module.partition('.')[0]}, which is not installed; pip install 'readrun[{extra_of(module)}]'"


def extra_of(module: str) -> str:
    """The extra that brings a module; empty where none does."""
    top = module.partition(".")[0]
    return next((name for name, modules in EXTRAS.items() if top in modules), "")
