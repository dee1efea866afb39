"""What papers report in numbers and what others got: the ledgers, the command, the section of a page."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from support import Kb

import refimpl
from catalog import Library
from catalog.errors import BadFile, KbError
from catalog.pages.reported import reported
from catalog.reports import Figure, Ledger, Report, added, parsed, read_reports

SHIPPED = Path(refimpl.__file__).parent / "reports"
FIGURE = Figure(name="mmlu", what="MMLU", value=39.4, unit="% right", where="table 1", address="https://a.org/1")
REPORT: dict[str, Any] = {"of": "mmlu", "value": 36.5, "setting": "4 bits", "address": "https://a.org/2"}
TEN = {
    *("lora", "qlora", "rosa", "qa_lora", "longlora", "second_order_mask", "lomo", "llm_adapters"),
    *("prefix_tuning", "prompt_tuning"),
}
ALONE = {"rosa", "second_order_mask"}  # of one somebody else has one number, of the other none; their files say so


def test_ten_methods_have_headline_numbers_and_outside_reports() -> None:
    found, wrong = read_reports(SHIPPED)
    assert not wrong
    assert set(found) == TEN
    for name, ledger in found.items():
        assert len(ledger.figure) >= 3, name
        assert len(ledger.report) >= 2 or name in ALONE, name
        assert (not ledger.report) == ("Nobody else's number" in (SHIPPED / f"{name}.toml").read_text())
        claims = {claim.name for card in refimpl.cards() if card.name == name for claim in card.claims}
        assert {figure.claim for figure in ledger.figure} - {""} <= claims, name


@given(
    st.builds(
        dict,
        value=st.floats(allow_nan=False, allow_infinity=False),
        setting=st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=40).filter(
            str.strip
        ),
        on=st.none() | st.dates(),
    )
)
def test_what_is_added_is_read_again(said: dict[str, Any]) -> None:
    report = Report(**REPORT | said)
    ledger = Ledger(figure=[FIGURE], report=[Report(**REPORT)])
    before = "# mine\n" + added("", Ledger(figure=[FIGURE]), Report(**REPORT), "x")
    if report in ledger.report:
        return
    text = added(before, ledger, report, "x")
    assert text.startswith(before)
    assert parsed(text, "x").report == [Report(**REPORT), report]


@pytest.mark.parametrize(
    "field",
    [
        {"value": float("nan")}, {"value": "36"}, {"address": "javascript:alert(1)"}, {"address": "https://"},
        {"setting": " "}, {"setting": "a\x1b[2J"}, {"of": "../x"}, {"more": 1}, {"on": "soon"},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_report_is_refused(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Report(**REPORT | field)


@given(
    st.binary(max_size=60) | st.sampled_from([b"[[report]]\n", b"report = 3", b"[" * 9000, b"\xff", b"a = 1979-13-01"])
)
def test_a_file_that_is_no_ledger_is_a_finding_and_the_others_are_read(body: bytes) -> None:
    try:
        text = body.decode()
        ledger = parsed(text, "reports/x.toml")
    except UnicodeDecodeError:
        return
    except BadFile as e:
        assert all(f.path == "reports/x.toml" and f.message for f in e.findings)
        return
    assert set(tomllib.loads(text)) <= {"figure", "report"}
    assert isinstance(ledger, Ledger)


def test_a_readers_report_stands_beside_those_that_came_along(tmp_path: Path) -> None:
    library = Library.init(tmp_path / "kb")
    before = library.reports()["lomo"]
    report = Report(of="wic-7b", value=70.0, setting="mine", address="https://a.org/x", on=dt.date(2026, 1, 2))
    path = library.report("lomo", report)
    assert path.relative_to(library.root).as_posix() == "reports/lomo.toml"
    assert library.reports()["lomo"] == Ledger(figure=before.figure, report=[*before.report, report])
    with pytest.raises(KbError, match="here already"):
        library.report("lomo", report)
    with pytest.raises(KbError, match="no figure 'wic' to report on; there are"):
        library.report("lomo", report.model_copy(update={"of": "wic"}))
    text = path.read_text()
    path.write_text(text + "\n[[report]]\nof = 3\n")
    assert "reports/lomo.toml" in str(library.unread_runs()[0])
    with pytest.raises(BadFile):
        library.report("lomo", report.model_copy(update={"value": 1.0}))
    assert path.read_text() == text + "\n[[report]]\nof = 3\n"


def test_the_command_lists_and_adds(kb: Kb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Library.init(tmp_path / "kb").root)
    assert "70.53" in kb("report", "lomo").out
    said = ("report", "lomo", "--of", "wic-7b", "--value", "69")
    done = kb(*said, "--setting", "a try", "--address", "https://a.org/3")
    assert (done.status, done.out) == (0, "wrote reports/lomo.toml\n")
    assert "69  a try; https://a.org/3" in kb("report", "lomo").out
    assert (kb("undo").status, "a try" in kb("report", "lomo").out) == (0, False)
    assert kb("redo").status == 0
    assert kb(*said).status == 2
    assert "--address: 'ftp:x' is not an address" in kb(*said, "--setting", "x", "--address", "ftp:x").err


def test_a_page_shows_the_spread_and_what_became_of_it_here() -> None:
    figure = FIGURE.model_copy(update={"claim": "claim_x"})
    ledger = Ledger(figure=[figure], report=[Report(**REPORT), Report(**REPORT | {"value": 32.8})])
    row = {"verdict": "shown", "measured": [{"what": "ahead by", "value": 0.5}]}
    (shown,) = reported(ledger, {"cpu": {"claim_x": row}}, "a-")
    assert [report["value"] for report in shown["reports"]] == ["36.5", "32.8"]
    assert shown["here"] == ["shown: ahead by 0.5"]
    assert 'aria-label="the paper 39.4, others 36.5, 32.8"' in shown["spread"]
    assert shown["spread"].count("<circle") == 2
    (close,) = reported(Ledger(figure=[FIGURE], report=[Report(**REPORT | {"value": 39.5})]), {}, "")
    bar, dot = (float(re.search(form, close["spread"])[1]) for form in (r'rect x="([\d.]+)', r'cx="([\d.]+)'))
    assert abs(dot - bar - 1.5) < 5, "what is close looks close"
    (bare,) = reported(Ledger(figure=[FIGURE]), {}, "")
    assert (bare["spread"], bare["here"], bare["reports"]) == ("", [], [])
    assert reported(None, {}, "") == []
