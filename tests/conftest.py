"""A knowledge base to try things on, and `kb` called in this process."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import hypothesis
import pytest
from support import Kb, Ran

from catalog.cli import main
from catalog.library import Library

if TYPE_CHECKING:
    from playwright.sync_api import Browser

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small tensors, and a test process for each core

# A loaded machine is not a defect: no test fails because an example took long.
hypothesis.settings.register_profile("readrun", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("readrun")

DATA = Path(__file__).parent / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a GPU where there is none, and say so; and what is for the night or the web unless it is asked for."""
    for item in items:
        if item.get_closest_marker("nightly") and "nightly" not in item.config.option.markexpr:
            item.add_marker(pytest.mark.skip(reason="takes minutes: make test-nightly"))
        if item.get_closest_marker("live") and "live" not in item.config.option.markexpr:
            item.add_marker(pytest.mark.skip(reason="asks the web: make test-live"))
    wanting = [item for item in items if item.get_closest_marker("gpu")]
    if not wanting:
        return
    import torch

    if not torch.cuda.is_available():
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason="no CUDA device here"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one browser of a test process: playwright does not start twice in one."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _no_browser("playwright is not installed")
    if not (path := next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")):
        _no_browser("there is no chromium on this machine; install Debian's package chromium")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def _no_browser(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"in CI the browser test must run: {reason}")
    pytest.skip(reason)


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
