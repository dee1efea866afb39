"""Notebooks run from top to bottom; what they print is kept in them, and so are the versions that they ran with.

python tests/notebooks.py notebooks/*.ipynb                                   # each is written anew
python tests/notebooks.py notebooks/a.ipynb --out b.ipynb --set STEPS=5       # with another setting, elsewhere
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import os
import platform
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

SECONDS = 1800
LIBRARIES = ("torch", "transformers", "peft", "bitsandbytes")


def run(path: Path, settings: dict[str, str]) -> Any:
    """The notebook as it is after a run. Raises `CellExecutionError`, or `ValueError` where it prints to stderr."""
    notebook = nbformat.read(path, as_version=4)
    for name, value in settings.items():
        _set(notebook, name, value)
    with tempfile.TemporaryDirectory() as scratch:
        client = NotebookClient(
            notebook,
            timeout=SECONDS,
            kernel_name="python3",
            record_timing=False,
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": str(path.parent.resolve())}},
        )
        client.execute(env=os.environ | {"TMPDIR": scratch, "PYTHONHASHSEED": "0", "COLUMNS": "100"})
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = _joined(cell.outputs)
                _refuse(cell, scratch)
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata.setdefault("readrun", {})["last_run"] = _with_what()
    return notebook


def _set(notebook: Any, name: str, value: str) -> None:
    """Give a setting at the head of the notebook another value: `NAME = …`, alone or in a row of names."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and re.search(rf"^(?:\w+, )*{name}\b(?:, \w+)* = ", cell.source, re.M):
            cell.source += f"\n{name} = {value}"
            return
    raise ValueError(f"the notebook has no setting {name}")


def _joined(outputs: list[Any]) -> list[Any]:
    """Pieces of one stream as one output."""
    joined: list[Any] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last is not None and output.output_type == "stream" == last.output_type and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def _refuse(cell: Any, scratch: str) -> None:
    """What a reader has no use for: noise, and paths of the machine that it ran on."""
    for output in cell.outputs:
        text = output.get("text", "") or str(output.get("data", ""))
        if output.get("name") == "stderr":
            raise ValueError(f"the cell {cell.id!r} prints to stderr: {text[:300]}")
        if found := re.search(rf"{re.escape(scratch)}|{re.escape(str(Path.home()))}/|{re.escape(sys.prefix)}/", text):
            raise ValueError(f"the cell {cell.id!r} prints a path of this machine: {found.group()}")


def _with_what() -> dict[str, Any]:
    versions = {name: importlib.metadata.version(name).partition("+")[0] for name in LIBRARIES}
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "device": _device(),
        "python": platform.python_version(),
        "versions": versions,
    }


def _device() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, help="write here, and leave the notebook as it is")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another value for a setting")
    given = parser.parse_args()
    settings = dict(one.split("=", 1) for one in given.set)
    for path in given.notebooks:
        try:
            notebook = run(path, settings)
        except (CellExecutionError, ValueError) as e:
            print(f"{path}: {e}", file=sys.stderr)
            return 1
        target = given.out or path
        target.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
        print(f"{target}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
