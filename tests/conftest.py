"""A knowledge base to try things on, and `kb` called in this process."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from support import Kb, Ran

from catalog.cli import main
from catalog.library import Library

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small tensors, and a test process for each core

DATA = Path(__file__).parent / "data"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an empty knowledge base, which is the current folder."""
    folder = tmp_path / "base"
    Library.init(folder)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("KB_ROOT", raising=False)
    return folder


@pytest.fixture
def library(root: Path) -> Library:
    """An empty knowledge base."""
    return Library.open(root)


@pytest.fixture
def kb(root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Kb:
    """Call `kb` in the empty knowledge base: `kb("list", "status:read")`."""
    assert root.is_dir()

    def call(*args: str, given: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode()), "utf-8"))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(args)
        out, err = capsys.readouterr()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else 0, out, err)

    return call


@pytest.fixture
def seed() -> bytes:
    """The reading list this project started from, exactly as its owner keeps it."""
    return (DATA / "peft.md").read_bytes()
