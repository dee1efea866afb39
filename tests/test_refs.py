"""A .bib that others write too: what stays, what is replaced, what is said; and that joining again changes nothing."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import bibtexparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import Kb

from catalog.export.refs import entries_of, join

OURS = "@string{j = {Journal}}\n\n@misc{a, title = {Alpha}, journal = j}\n\n@misc{b, title = {Beta}}\n"


def test_what_is_not_ours_stays() -> None:
    there = '% by hand\n@string{k = {K}}\n@preamble{"x"}\n\n@misc{hand, title = {By hand}, crossref = {b}}\n\n@misc{b, title = {Beta}}\n'
    done = join(OURS, there, entries_of(OURS))
    assert (done.kept, done.replaced, done.clashing) == (("hand",), (), ())
    for part in ("% by hand", "@string{k = {K}}", '@preamble{"x"}', "@misc{hand, title = {By hand}, crossref = {b}}"):
        assert part in done.text
    assert done.text.index("@misc{hand") < done.text.index("@misc{a")
    assert join(OURS, done.text, entries_of(OURS)) == done


def test_what_is_ours_is_written_anew_and_goes_with_its_paper() -> None:
    known = {**entries_of(OURS), "old": "@misc{old, title = {Gone from this list}}"}
    there = "@misc{a, title = {Alpha!}}\n\n@misc{old, title = {Gone from this list}}\n"
    done = join(OURS, there, known)
    assert done.text == OURS
    assert (done.kept, done.replaced) == ((), ("a",))


def test_another_work_under_our_key_stays_and_is_told() -> None:
    there = "@misc{a, title = {Something else entirely, by hand}}\n"
    done = join(OURS, there, entries_of(OURS))
    assert done.clashing == done.kept == ("a",)
    assert "Something else" in done.text
    assert "Alpha" not in done.text
    same = "@misc{a, title = {Renamed and rewritten}, doi = {10.5555/x}}"
    made = "@misc{a, title = {Alpha}, doi = {10.5555/X}}\n"
    assert join(made, same, entries_of(made)).clashing == ()


def test_a_macro_of_theirs_does_not_change_ours() -> None:
    there = "@string{j = {Another}}\n\n@misc{hand, journal = j}\n"
    done = join(OURS, there, entries_of(OURS))
    found = {entry.key: dict(entry.items()) for entry in bibtexparser.parse_string(done.text).entries}
    assert set(found) == {"hand", "a", "b"}
    places = [done.text.index(part) for part in ("@string{j = {Another}}", "@misc{hand", "@misc{a,")]
    assert places == sorted(places)
    assert done.text.rindex("@string{j = {Journal}}") > places[1]
    assert join(OURS, done.text, entries_of(OURS)).text == done.text


def test_what_cannot_be_read_stays() -> None:
    done = join(OURS, "@misc{x, title = {open\n", entries_of(OURS))
    assert "@misc{x, title = {open" in done.text
    assert join(OURS, "", {}).text == OURS
    assert join("", "", {}).text == ""


BLOCKS = [
    "% c",
    "@string{j = {X}}",
    "@misc{a, title = {Alpha}}",
    "@misc{h, title = {H}}",
    "@misc{b, title = {Other thing}}",
    "@comment{x}",
    "prose",
]


@pytest.mark.parametrize("ours", [OURS, ""])
@given(blocks=st.lists(st.sampled_from(BLOCKS), max_size=6))
def test_joining_again_changes_nothing(ours: str, blocks: list[str]) -> None:
    once = join(ours, "\n\n".join(blocks), entries_of(OURS)).text
    assert join(ours, once, entries_of(OURS)).text == once


def test_the_file_follows_manuscript_and_papers_while_one_writes(kb: Kb, root: Path) -> None:
    (root / "list.bib").write_text(
        "@misc{owl, title = {Owls in winter}}\n@misc{elk, title = {Elks in summer}}\n@misc{gnu, title = {Gnus at dusk}}\n"
    )
    kb("import", "list.bib")
    paper, part, refs = root / "paper.tex", root / "part.tex", root / "refs.bib"
    paper.write_text(r"\documentclass{article} \cite{owl} \input{part}")
    part.write_text("nothing yet")
    call = [sys.executable, "-m", "catalog", "export", "bib", "--from", "paper.tex", "-o", "refs.bib", "--watch"]
    # what is started in the background of a shell has SIGINT ignored, and hands that on
    with subprocess.Popen(
        call, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    ) as process:
        try:
            assert process.stderr is not None
            assert any("wrote refs.bib" in line for line in process.stderr)
            assert "@misc{owl" in refs.read_text()
            part.write_text(r"\cite{elk}")
            assert soon(lambda: "@misc{elk" in refs.read_text())
            (root / "new.tex").write_text(r"\cite{gnu}")
            part.write_text(r"\cite{elk} \input{new}")
            assert soon(lambda: "@misc{gnu" in refs.read_text())
            (root / "papers" / "owl.md").write_text(
                (root / "papers" / "owl.md").read_text().replace("winter", "spring")
            )
            assert soon(lambda: "spring" in refs.read_text())
            paper.unlink()
            paper.write_text(r"\cite{elk}")
            assert soon(lambda: "@misc{owl" not in refs.read_text())
        finally:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
    assert process.returncode == 0


def soon(holds: Callable[[], bool]) -> bool:
    """Whether something comes true within a time that leaves room for a busy machine."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return False


def test_watching_needs_a_file(kb: Kb) -> None:
    done = kb("export", "bib", "--watch")
    assert (done.status, "name it with -o" in done.err) == (2, True)
