"""Hearing of changed files, also where the system has no room for it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from watchdog.observers import Observer

from catalog.watching import observing


@pytest.mark.parametrize("room", [True, False])
def test_changes_are_heard_of(room: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    if not room:
        monkeypatch.setattr(Observer, "schedule", full)
    (tmp_path / "below").mkdir()
    heard, file = threading.Event(), tmp_path / "below" / "one.md"
    with observing(lambda paths: heard.set() if file in paths else None) as see:
        see(tmp_path, True)
        file.write_text("x")
        assert heard.wait(10)
