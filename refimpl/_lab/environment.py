"""On what, with what and when something was measured."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

import torch

LIBRARIES = ("torch", "transformers", "peft", "bitsandbytes", "accelerate")


def environment(device: str, dtype: str, seed: int) -> dict[str, Any]:
    """On what, with what and when something was measured."""
    cuda = device.startswith("cuda")
    return {
        "device": torch.cuda.get_device_name(device) if cuda else _processor(),
        "kind": "cuda" if cuda else "cpu",
        "threads": torch.get_num_threads(),
        "dtype": dtype,
        "seed": seed,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in LIBRARIES},
        "commit": _commit(),
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def _commit() -> str:
    """The commit of the checkout that this file is tracked in, "" where it is not."""
    here = Path(__file__)
    for ask in (["ls-files", "--error-unmatch", here.name], ["rev-parse", "HEAD"]):
        try:
            command = ["git", *ask]  # whichever git there is, with words of our own
            done = subprocess.run(command, cwd=here.parent, capture_output=True, text=True, timeout=10)  # noqa: S603  # see above
        except (OSError, subprocess.TimeoutExpired):
            return ""
        if done.returncode:
            return ""
    return done.stdout.strip()
