"""What a record of a run holds, as pydantic checks it at the border.

What the catalog reads of a record has its type here; whatever else it holds is kept, and shown by pages that ask for
what they can show.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Model = Literal["Run", "Bench"]

Text = Annotated[str, Field(max_length=100_000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class Environment(_Part):
    """Where and when a run was made; `date` begins with YYYY-MM-DD."""

    date: Text = ""
    device: Text = ""
    kind: Text = ""
    python: Text = ""
    versions: dict[str, Text | None] = {}
    commit: Text | None = ""


class Claim(_Part):
    """What became of one claim: its verdict, and what was measured for it."""

    name: Text
    verdict: Text
    kind: Text = ""
    says: Text = ""
    why: Text = ""
    measured: list[dict[str, Any]] = []


class Run(_Part):
    """`runs/NAME.DEVICE.json`: an implementation's claims, its demo, and those on other models by their names."""

    environment: Environment = Environment()
    claims: list[Claim] = []
    demo: dict[str, Any] = {}
    demos: dict[Text, dict[str, Any]] = {}


class Bench(_Part):
    """`runs/bench-MODEL-TASK.DEVICE.json`: a row for each method and setting."""

    environment: Environment = Environment()
    rows: list[dict[str, Any]] = []
    cells: dict[str, Any] = {}


def fault(model: Model, values: Any) -> str:
    """What is wrong with a record, "" where nothing is."""
    form: type[BaseModel] = Run if model == "Run" else Bench
    try:
        form.model_validate(values)
    except ValidationError as e:
        first = e.errors()[0]
        where = "".join(f"{part}: " for part in [".".join(map(str, first["loc"]))] if part)
        return f"{where}{first['msg'].lower()}"
    return ""
