"""Long work says how far it is, to whoever looks."""

from __future__ import annotations

import pytest

from catalog import progress
from catalog.cli import out
from catalog.library import Library
from catalog.store import indexing


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    told: list[tuple[str, int, int]] = []
    monkeypatch.setattr(progress, "_showing", [])
    progress.show_by(lambda *how: told.append(how))
    return told


def test_many_things_are_told_of_a_hundred_times_and_few_never(heard: list[tuple[str, int, int]]) -> None:
    assert list(progress.each(range(5000), "counting")) == list(range(5000))
    assert (len(heard), heard[0], heard[-1]) == (101, ("counting", 0, 5000), ("counting", 5000, 5000))
    heard.clear()
    assert list(progress.each(range(100), "counting")) == list(range(100))
    assert heard == []


def test_an_import_and_an_index_say_how_far_they_are(
    library: Library, heard: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LEAST", 3)
    entries = "\n\n".join(f"@misc{{k{n}, title = {{Number {n}}}}}" for n in range(5))
    library.import_([("a.bib", entries.encode())])
    assert [what for what, done, count in heard if done == count == 5][:2] == ["importing", "moving in"]
    library.index().clear()
    heard.clear()
    indexing.refresh(library.store, library.store.open_index())
    assert heard[-1] == ("indexing", 5, 5)


def test_the_line_goes_away(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    out.counted("indexing", 5000, 10_000)
    assert capsys.readouterr().err == "", "nobody looks"
    monkeypatch.setattr(out, "is_watched", lambda: True)
    out.counted("indexing", 5000, 10_000)
    assert "indexing  ██████████░░░░░░░░░░  5,000 of 10,000" in capsys.readouterr().err
    out.counted("indexing", 10_000, 10_000)
    assert capsys.readouterr().err.strip("\r\x1b[K") == ""
