"""Which of the kinds of layers that the installed peft has are which paper's."""

from __future__ import annotations

import dataclasses
from typing import Any

from refimpl._claims import NotHere, library

# paper, type, and the option or function of the library that makes it this paper's
PAPERS = (
    ("hu2021lora", "LORA", ""),
    ("dettmers2023qlora", "LORA", "prepare_model_for_kbit_training"),
    ("xu2023qa", "LORA", "use_qalora"),
    ("li2021prefix", "PREFIX_TUNING", ""),
    ("lester2021power", "PROMPT_TUNING", ""),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Tuner:
    """A kind of layer of the installed library, and the papers of this catalog that it belongs to."""

    name: str
    config: str
    papers: tuple[str, ...]


def tuners() -> list[Tuner]:
    """Every type that the installed library has. Raises `NotHere` without it."""
    peft = library("peft")
    configs = peft.mapping.PEFT_TYPE_TO_CONFIG_MAPPING
    return [
        Tuner(kind.value, configs[kind].__name__, tuple(paper for paper, name, _ in PAPERS if name == kind.value))
        for kind in peft.PeftType
        if kind in configs
    ]


def gone() -> list[str]:
    """What the table above names and the installed library no longer has."""
    peft, names = library("peft"), {tuner.name for tuner in tuners()}
    options = {field.name for field in dataclasses.fields(peft.LoraConfig)} | set(dir(peft)) | {""}
    return [f"{name} {option}".strip() for _, name, option in PAPERS if name not in names or option not in options]


def table() -> dict[str, Any]:
    """Nothing where the library is not installed."""
    try:
        types, peft = tuners(), library("peft")
    except NotHere:
        return {}
    rows = [[tuner.name, tuner.config, ", ".join(tuner.papers)] for tuner in sorted(types, key=lambda t: not t.papers)]
    said = f"The types of peft {peft.__version__}, and the papers of this catalog that they are of"
    return {"table": {"caption": said, "columns": ["type", "configuration", "papers"], "rows": rows}}
