"""The page that compares methods: what a record says, sorted and drawn; and that nothing of it is ever run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import benchmark_tables
import pytest
from browsing import served, visiting
from hypothesis import given, settings
from hypothesis import strategies as st
from support import known
from test_site_browser import ATTACKS, LOW_CONTRAST

from catalog.facts import Facts
from catalog.library import Library
from catalog.pages import Comparison, Implementation, SiteOptions, build, render
from catalog.pages.builder import base_config, with_ours
from catalog.pages.comparison import Places, comparison_page
from catalog.pages.implementation import implementation_html
from catalog.pages.labels import RADIUS, overlap, place
from catalog.pages.scatter import HEIGHT, WIDTH, Axis, Point, drawable, scatter
from catalog.runs import read_benches
from refimpl.registry import Card

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROW = {
    "name": "lora", "title": "LoRA", "paper": "hu2021lora", "setting": "matched", "options": {"rank": 8},
    "rate": 0.003, "source": "Table 5", "note": "", "values": [0.51, 0.53, 0.52], "mean": 0.52, "sd": 0.01, "parameters": 24576, "share": 0.0089,
    "adapter_bytes": 98304, "peak_bytes": 560_000_000, "peak_of": "the whole process", "seconds_a_step": 0.11,
    "cpu_seconds_a_step": 0.1, "inference": 1.118, "inference_merged": 1.0, "why": "",
}  # fmt: skip


def row(name: str, **other: Any) -> dict[str, Any]:
    return {**ROW, "name": name, "title": name.upper(), **other}


ROWS = [
    ROW,
    row("rosa", mean=0.61, sd=0.02, parameters=25000, seconds_a_step=0.2, peak_bytes=610_000_000, paper="r"),
    row("prefix", setting="own", mean=0.4, sd=0.003, parameters=9000, seconds_a_step=0.15, inference_merged=None),
    row("full", setting="own", mean=0.7, sd=0.0, parameters=2_762_304, peak_bytes=700_000_000, paper=""),
    {"name": "qlora", "title": "QLoRA", "setting": "own", "mean": None, "why": "bitsandbytes is not installed"},
]
RECORD: dict[str, Any] = {
    "command": "kb bench --model tiny --task classes", "model": "tiny", "task": "classes",
    "metric": {"name": "accuracy", "better": "higher"}, "steps": 120, "batch": 8, "length": 128, "seeds": [0, 1, 2],
    "rates": [0.001, 0.003], "budget": 24576, "before": 0.12, "cells": {"anything": [1]}, "rows": ROWS,
    "environment": {"device": "Some CPU", "dtype": "float32", "date": "2026-11-24T09:13:39+00:00", "python": "3.11.7",
                    "versions": {"torch": "2.13.0", "peft": ""}, "commit": "45de70a4d8131cd3f3dea97071e991fd4cdbb880"},
}  # fmt: skip
TEXT = "Prefix-tuning is *behind* [LoRA](hu2021lora.md), against its Table 1.\n\n<script>window.__fired=1</script>\n"
PLACES = Places({"hu2021lora": "papers/hu2021lora"}, {"lora": "papers/hu2021lora.html#implementation"})


def entry(key: str) -> Facts:
    bibtex = f"@misc{{{key}, title={{Of {key}}}}}"
    return known(key, f"Of {key}", bibtex=bibtex)


def page(record: Any = RECORD, text: str = "", device: str = "cpu") -> str:
    return comparison_page([Comparison("bench-tiny-classes", device, record, text)], PLACES)


def words(markup: str) -> str:
    """What a reader reads."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def table_rows(markup: str) -> list[list[str]]:
    """The body of the first table, cell by cell."""
    body = markup[markup.index("<tbody>") : markup.index("</tbody>")]
    rows = re.findall(r"<tr.*?</tr>", body)
    return [[words(cell) for cell in re.findall(r"<t[hd][ >].*?</t[hd]>", one)] for one in rows]


# --- what the page says ---


def test_a_row_says_what_was_measured() -> None:
    assert table_rows(page())[1] == [
        "LoRA matched code", "0.520 ± 0.010", "24,576 0.89 %", "560 MB", "110 ms CPU 100 ms", "–", "–", "98.3 kB",
        "1.12 × merged 1.00 ×", "rank 8, rate 0.003 Table 5",
    ]  # fmt: skip
    assert '<a href="papers/hu2021lora.html">LoRA</a>' in page()
    assert 'href="papers/hu2021lora.html#implementation"' in unescape(page())


def test_what_is_forgotten_and_how_soon_the_loss_is_halved_stand_in_the_table() -> None:
    row = ROWS[0] | {"forgotten": 0.21, "cpu_seconds_to_half": 4.0, "merged_bytes": 11_000_000}
    (cells,) = table_rows(page(RECORD | {"rows": [row]}))
    assert cells[5:8] == ["4 s", "0.21", f"{cells[7].split(' merged')[0]} merged 11 MB"]


def test_for_each_memory_the_best_method_that_it_is_enough_for_is_named() -> None:
    rows = [
        ROWS[1] | {"title": title, "peak_bytes": peak, "mean": mean, "merged_bytes": None}
        for title, peak, mean in (("Small", 1e6, 0.3), ("Worse", 2e6, 0.2), ("Best", 3e6, 0.9), ("Larger", 4e6, 0.9))
    ]
    said = words(page(RECORD | {"rows": rows}))
    after = said[said.index("Which method for my memory?") :]
    assert re.findall(r"(\d MB) (\w+)", after)[:2] == [("1 MB", "Small"), ("3 MB", "Best")]
    assert "Larger" not in after.partition("kb bench")[0]
    assert "Which method" not in page(RECORD | {"rows": []})


def test_matched_stands_before_own_and_the_best_before_the_rest_and_failures_last() -> None:
    assert [cells[0].split()[0] for cells in table_rows(page())] == ["ROSA", "LoRA", "FULL", "PREFIX", "QLoRA"]
    lower = {**RECORD, "metric": {"name": "nats", "better": "lower"}}
    assert [cells[0].split()[0] for cells in table_rows(page(lower))] == ["LoRA", "ROSA", "PREFIX", "FULL", "QLoRA"]
    assert table_rows(page())[-1][1] == "Failed: bitsandbytes is not installed"


def test_a_spread_of_nothing_is_shown_as_nothing() -> None:
    rows = [row("a", sd=0.0), row("b", sd=None), row("c", mean=4.657, sd=0.2), row("d", mean=-3.0, sd=12.0)]
    shown = {cells[0][0]: cells[1] for cells in table_rows(page({**RECORD, "rows": rows}))}
    assert shown == {"A": "0.52 ± 0", "B": "0.52", "C": "4.66 ± 0.20", "D": "−3 ± 12"}


def test_how_it_was_made_stands_below_it() -> None:
    said = words(page())
    assert "kb bench --model tiny --task classes" in said
    assert "Some CPU, float32, 24 Nov 2026, python 3.11.7, torch 2.13.0, commit 45de70a4d" in said
    assert "matched budget 24,576 parameters" in said
    assert "accuracy before 0.12" in said
    assert "peft" not in said


def test_the_text_beside_the_record_is_cleaned_and_its_links_lead_to_papers() -> None:
    shown = page(text=TEXT)
    assert '<a href="papers/hu2021lora.html" rel="noreferrer">LoRA</a>' in shown
    assert "<em>behind</em>" in shown
    assert "__fired" not in shown
    assert "kb-contradicts" not in page()


def test_one_record_for_each_device_has_its_own_address() -> None:
    both = [Comparison("bench-tiny-classes", device, RECORD) for device in ("cpu", "cuda")]
    shown = comparison_page(both, PLACES)
    ids = re.findall(r' id="([^"]+)"', shown)
    assert len(ids) == len(set(ids)) == 4
    assert "classes on tiny, GPU" in words(shown)


def test_the_page_is_there_only_where_something_was_measured() -> None:
    options, one = SiteOptions(), Comparison("bench-tiny-classes", "cpu", RECORD)
    assert "compare.md" not in render([entry("hu2021lora")], options)
    files = render([entry("hu2021lora")], options, comparisons=[one])
    assert "papers/hu2021lora.html" in str(files["compare.md"])
    assert base_config(Path(), files, options)["nav"] == [{"Papers": "index.md"}, {"Compare": "compare.md"}]
    own = render([entry("hu2021lora")], options, {"compare.md": "# Mine"}, comparisons=[one])
    assert own["compare.md"] == "# Mine"


def test_a_navigation_of_ones_own_gets_the_page_unless_it_names_it() -> None:
    nav = [{"Papers": "index.md"}, {"Guide": ["a.md"]}]
    assert with_ours(nav, {}) == nav
    assert with_ours(nav, {"compare.md": "x"}) == [nav[0], {"Compare": "compare.md"}, nav[1]]
    named = [{"Guide": [{"All methods": "compare.md"}]}]
    assert with_ours(named, {"compare.md": "x"}) == named


# --- records as they are found ---


def test_records_are_found_with_the_text_beside_them(tmp_path: Path) -> None:
    (tmp_path / "bench-a.b-classes.cuda.json").write_text(json.dumps(RECORD))
    (tmp_path / "bench-a.b-classes.cuda.md").write_bytes(b"One\r\ntwo \xff")
    (tmp_path / "lora.cpu.json").write_text("{}")
    (tmp_path / "bench-x.json").write_text("no record")
    assert read_benches(tmp_path) == ([("bench-a.b-classes", "cuda", RECORD, "One\ntwo �")], [])
    assert read_benches(tmp_path / "none") == ([], [])
    (tmp_path / "bench-x.cpu.json").write_text("[]")
    good, [wrong] = read_benches(tmp_path)
    assert len(good) == 1
    assert re.search(r"bench-x\.cpu\.json: not a record of a run: .*; run kb bench again", str(wrong))


def test_a_collection_shows_its_records(tmp_path: Path) -> None:
    (tmp_path / "kb.toml").touch()
    (tmp_path / "papers").mkdir()
    library = Library.open(tmp_path)
    assert "compare.md" not in library.pages()
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "bench-tiny-classes.cpu.json").write_text(json.dumps(RECORD))
    assert "classes on tiny" in str(library.pages()["compare.md"])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(ATTACKS),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=6,
)
BENT_ROW = st.fixed_dictionaries({}, optional=dict.fromkeys(ROW, ANYTHING)).map(lambda bent: {**ROW, **bent})


@settings(max_examples=60)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys([*RECORD, "rows"], ANYTHING)), st.lists(BENT_ROW, max_size=4))
def test_a_record_may_hold_anything(bent: dict[str, Any], rows: list[Any]) -> None:
    record = {**RECORD, "rows": rows, **bent}
    _, _, body = page(record, device="cuda").partition("\n---\n")
    assert len(body.strip().split("\n")) == 1
    assert not re.search(r"<(?:script|img|iframe|object|embed)|\son\w+=", body.replace("onclick", ""), re.I)
    assert "{{" not in body
    assert "nan" not in re.findall(r'(?:data-value|[xy12rd]|c[xy])="([^"]*)"', body)


@pytest.mark.parametrize(
    "record", [None, [], "x", {}, {"rows": {}}, {"rows": [1, None, {}, []]}, {"rows": ["a"] * 999}]
)
def test_a_record_with_nothing_to_show_says_so(record: Any) -> None:
    assert "No row is finished" in words(page(record))


def test_more_than_anyone_measures_is_cut() -> None:
    many = [row(f"m{n}", title="t" * 500, why="w" * 5000, parameters=10**400, options={"a": list(range(9999))})
            for n in range(300)]  # fmt: skip
    shown = page(
        {**RECORD, "rows": many, "command": "c" * 10**6, "environment": {"versions": {str(n): "1" for n in range(999)}}}
    )
    assert len(table_rows(shown)) == 100
    assert len(shown) < 400_000


# --- pictures ---


@settings(max_examples=80)
@given(
    st.lists(st.tuples(st.floats(70, 440), st.floats(15, 290)), min_size=1, max_size=24),
    st.lists(st.floats(10, 110), min_size=24, max_size=24),
)
def test_no_label_lies_on_another_or_on_a_point(points: list[tuple[float, float]], widths: list[float]) -> None:
    frame = (62.0, 4.0, 458.0, 294.0)
    boxes = place(points, [(width, 12.0) for width in widths[: len(points)]], frame)
    found = [box for box in boxes if box]
    marks = [(x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS) for x, y in points]
    assert not [1 for n, box in enumerate(found) for other in [*found[:n], *marks] if overlap(box, other)]
    assert all(frame[0] <= b[0] and frame[1] <= b[1] and b[2] <= frame[2] and b[3] <= frame[3] for b in found)


def test_twenty_methods_on_one_budget_all_get_their_label() -> None:
    points = [(200 + n % 3, 40.0 + 9 * n) for n in range(20)]
    assert None not in place(points, [(80.0, 12.0)] * 20, (62.0, 4.0, 458.0, 294.0))


def test_what_has_no_place_on_an_axis_is_left_out_and_named() -> None:
    rows = [row("a"), row("b", parameters=0), row("c", peak_bytes=None)]
    shown = page({**RECORD, "rows": rows})
    quality, memory = re.findall(r"<figure.*?</figure>", shown)
    assert "Not drawn, for want of a number: B." in words(quality)
    assert "Not drawn, for want of a number: C." in words(memory)
    assert not drawable(Point("x", 0, 1), Axis("n", log=True), Axis("q"))


def test_own_settings_are_drawn_otherwise() -> None:
    assert page().count("kb-plot-own") == 4
    assert page().count("kb-plot-matched") == 4
    assert "kb-key" not in page({**RECORD, "rows": [ROW]})


def test_the_start_is_drawn_where_it_leaves_room() -> None:
    assert "kb-plot-level" in page()
    assert "kb-plot-level" not in page({**RECORD, "before": -9.0})
    assert "kb-plot-level" not in page({**RECORD, "before": None})


@given(st.lists(st.tuples(st.floats(), st.floats(), st.floats()), max_size=6), st.booleans(), st.booleans())
def test_no_number_breaks_a_picture(values: list[tuple[float, float, float]], across: bool, up: bool) -> None:
    svg = scatter([Point(f"p{n}", *v) for n, v in enumerate(values)], Axis("x", across), Axis("y", up), "about")
    drawn = re.sub(r' aria-label="[^"]*"|>[^<]+', "", svg)
    for number in re.findall(r"-?[\d.]+(?:e[+-]?\d+)?", drawn):
        assert -90 <= float(number) <= max(WIDTH, HEIGHT)
    assert not re.search(r"nan|inf", drawn)


def test_on_a_phone_each_method_has_a_row_with_its_name() -> None:
    picture = page()[page().index('<svg class="kb-multiples"') :].partition("</svg>")[0]
    assert re.findall(r'kb-plot-name"[^>]*>([^<]*)<', picture) == ["ROSA", "LoRA", "FULL", "PREFIX"]
    assert "LoRA 560 MB" in picture
    assert "kb-multiples" not in page(RECORD | {"rows": []})


def test_axes_have_round_numbers() -> None:
    svg = scatter([Point("a", 9000, 4.6), Point("b", 3e6, 8.4)], Axis("n", log=True), Axis("loss"), "about")
    assert re.findall(r">([\d.,]+)</text>", svg) == ["5", "6", "7", "8", "10,000", "100,000", "1,000,000"]
    svg = scatter([Point("a", 20_000, 0.51), Point("b", 30_000, 0.52)], Axis("n", log=True), Axis("loss"), "about")
    assert re.findall(r">([\d.,]+)</text>", svg) == [
        "0.51",
        "0.512",
        "0.514",
        "0.516",
        "0.518",
        "0.52",
        "20,000",
        "30,000",
    ]


# --- tables of demos ---


def demo_of(table: Any) -> str:
    card = Card(name="survey", path="", title="Survey", summary="", paper="k", has_demo=True)
    return implementation_html([Implementation(card, "", {"cpu": {"demo": {"environment": {}, "table": table}}})])


def test_a_demo_may_have_a_table() -> None:
    rows = [["LoRA", 33600, None, "none once merged"], ["Prefix", 1.25, True], ["Long", 1, 2, 3, 4]]
    shown = demo_of({"caption": "What it costs", "columns": ["method", "trained", "rank", "overhead"], "rows": rows})
    assert "What it costs" in words(shown)
    table = shown[shown.index('<div class="kb-scroll kb-wide"') :]
    assert table_rows(table) == [
        ["LoRA", "33,600", "–", "none once merged"], ["Prefix", "1.25", "yes", "–"], ["Long", "1", "2", "3"],
    ]  # fmt: skip
    assert '<td class="kb-n">–</td>' in table


@pytest.mark.parametrize(
    "table", [None, [], {"columns": ["a"]}, {"columns": [], "rows": [[1]]}, {"columns": ["a"], "rows": [1, {}]}]
)
def test_a_table_with_nothing_in_it_is_none(table: Any) -> None:
    assert "kb-wide" not in demo_of(table)


@given(
    st.fixed_dictionaries(
        {
            "caption": ANYTHING,
            "columns": st.lists(ANYTHING, max_size=30),
            "rows": st.lists(st.lists(ANYTHING, max_size=3), max_size=4),
        }
    )
)
def test_a_table_may_hold_anything(table: dict[str, Any]) -> None:
    shown = demo_of(table)
    assert shown.count("\n") == 0
    assert not re.search(r"<(?:script|img|iframe|object|embed)|\son\w+=", shown, re.I)


# --- benchmarks ---


def test_the_page_on_benchmarks_shows_what_they_measured() -> None:
    page = benchmark_tables.PAGE.read_text("utf-8")
    assert all(f"<!-- {name} -->" in page for name in (*benchmark_tables.REFERENCE, *benchmark_tables.SIZES))
    there = {path.stem for path in (benchmark_tables.BENCHMARKS / "results").glob("*.json")}
    assert there == {*benchmark_tables.REFERENCE, *benchmark_tables.SIZES, "commands"}, (
        "those of commands have a page of their own"
    )
    assert benchmark_tables.renewed(page) == page, "run: python tests/benchmark_tables.py"


def test_a_ratio_comes_with_its_range() -> None:
    ours = {"cpu_seconds": 2, "cpu_seconds_of_each": [1, 2, 6], "extra_bytes": 30, "extra_bytes_of_each": [20, 30, 40]}
    peft = {"cpu_seconds": 2, "cpu_seconds_of_each": [2, 2, 4], "extra_bytes": 90, "extra_bytes_of_each": [80, 90, 100]}
    assert benchmark_tables.time_ratio(ours, peft) == "1.00<br>(0.50\N{WORD JOINER}–\N{WORD JOINER}1.50)"
    assert benchmark_tables.memory_ratio(ours, peft) == "0.333<br>(0.20\N{WORD JOINER}–\N{WORD JOINER}0.50)"
    assert benchmark_tables.time_ratio(peft, peft) == benchmark_tables.memory_ratio(peft, peft) == "1"


# --- in a browser ---


def attacked(attack: str) -> dict[str, Any]:
    """A record that says the same everywhere."""
    bad = {name: attack if isinstance(value, str) else value for name, value in ROW.items()} | {"setting": "own"}
    rows = [bad, {**bad, "mean": None}, ROW]
    metric = {"name": attack, "better": "lower"}
    environment = {"device": attack, "date": attack, "versions": {attack: attack}, "commit": attack}
    return {**RECORD, "command": attack, "model": attack, "task": attack, "metric": metric, "rows": rows,
            "environment": environment, "steps": attack, "batch": attack}  # fmt: skip


@pytest.fixture(scope="module")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site with a comparison, in a navigation that does not name it."""
    assert browser.is_connected()
    many = [
        row(
            f"method-{n}", setting=("matched", "own")[n % 2], mean=0.4 + 0.013 * (n * 7 % 11), parameters=24000 + 90 * n
        )
        for n in range(20)
    ]
    shown = [
        Comparison("bench-tiny-classes", "cpu", RECORD, TEXT),
        Comparison("many", "cuda", {**RECORD, "rows": many}),
    ]
    shown += [Comparison(f"bad{n}", "cpu", attacked(attack), attack) for n, attack in enumerate(ATTACKS[:38])]
    folder, options = tmp_path_factory.mktemp("comparison"), SiteOptions(title="Comparison")
    (folder / "mkdocs.yml").write_text(
        "INHERIT: build/mkdocs.base.yml\nnav:\n  - Papers: index.md\n  - Guide: guide.md\n"
    )
    files = render([entry("hu2021lora")], options, {"guide.md": "# Guide"}, comparisons=shown)
    with served(build(folder, files, options)) as base:
        yield base


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    with visiting(browser, address, "compare.html") as open_page:
        yield open_page


def methods(page: Page) -> list[str]:
    cells = page.locator("table.kb-compare").first.locator("tbody tr:not([hidden]) th")
    return [cell.split("\n")[0] for cell in cells.all_inner_texts()]


def test_headings_sort_by_click_and_by_key_and_say_so(visit: Callable[..., Page]) -> None:
    page = visit()
    first = methods(page)
    assert first == ["ROSA", "LoRA", "FULL", "PREFIX", "QLoRA"]
    head = page.locator("table.kb-compare").first.get_by_role("columnheader")
    head.nth(2).get_by_role("button").click()
    assert methods(page) == ["PREFIX", "LoRA", "ROSA", "FULL", "QLoRA"]
    assert head.nth(2).get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert methods(page) == ["FULL", "ROSA", "LoRA", "PREFIX", "QLoRA"]
    assert head.nth(2).get_attribute("aria-sort") == "descending"
    assert page.locator(".kb-said").text_content() == "Sorted by Parameters, descending"
    page.keyboard.press("Space")
    assert methods(page) == first
    assert head.nth(2).get_attribute("aria-sort") is None
    head.nth(1).get_by_role("button").click()
    assert head.nth(1).get_attribute("aria-sort") == "descending"
    assert methods(page) == ["FULL", "ROSA", "LoRA", "PREFIX", "QLoRA"]
    head.nth(0).get_by_role("button").click()
    assert methods(page) == ["FULL", "LoRA", "PREFIX", "QLoRA", "ROSA"]


def test_the_command_is_copied_as_it_was_typed(visit: Callable[..., Page]) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy kb bench --model tiny").first.click()
    page.get_by_text("Copied", exact=True).first.wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == RECORD["command"]


def test_one_setting_can_be_looked_at_alone(visit: Callable[..., Page]) -> None:
    page = visit()
    page.get_by_role("button", name="Matched budget 2").first.click()
    assert methods(page) == ["ROSA", "LoRA"]
    page.get_by_role("button", name="Own setting 3").first.click()
    assert methods(page) == ["FULL", "PREFIX", "QLoRA"]


def test_it_stands_in_the_navigation_and_leads_to_papers(visit: Callable[..., Page]) -> None:
    page = visit("index.html")
    page.locator(".md-tabs").get_by_role("link", name="Compare").click()
    page.wait_for_url("**/compare.html")
    page.locator("table.kb-compare").first.get_by_role("link", name="LoRA", exact=True).click()
    page.wait_for_url("**/papers/hu2021lora.html")


def test_without_javascript_it_is_a_plain_table(visit: Callable[..., Page]) -> None:
    page = visit(java_script_enabled=False)
    assert methods(page) == ["ROSA", "LoRA", "FULL", "PREFIX", "QLoRA"]
    assert page.locator("table.kb-compare thead button").count() == 0
    assert page.locator("svg.kb-scatter").first.is_visible()


def test_it_fits_and_can_be_read(visit: Callable[..., Page]) -> None:
    for width, scheme in ((1280, "dark"), (1280, "light"), (390, "dark"), (360, "light")):
        page = visit(viewport={"width": width, "height": 800}, color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator("body[data-md-color-scheme]").wait_for()
        assert page.evaluate(LOW_CONTRAST) == []
        ids = "[...document.querySelectorAll('[id]')].map((n) => n.id)"
        assert page.evaluate(f"(ids => ids.length - new Set(ids).size)({ids})") == 0


def test_on_a_phone_the_method_stays_in_sight(visit: Callable[..., Page]) -> None:
    page = visit(viewport={"width": 390, "height": 800})
    box = page.locator(".kb-compare-box").first
    assert box.evaluate("(n) => { n.scrollLeft = 9999; return n.scrollLeft; }") > 100
    name, edge = box.locator("tbody th").first.bounding_box(), box.bounding_box()
    assert name is not None
    assert edge is not None
    assert abs(name["x"] - edge["x"]) < 3
    assert name["width"] < 150


def test_labels_of_a_picture_do_not_overlap(visit: Callable[..., Page]) -> None:
    page = visit()
    overlaps = """(svg) => {
      const boxes = [...svg.querySelectorAll(".kb-plot-name, circle")].map((n) => n.getBBox());
      const meet = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y + 2 < b.y + b.height && b.y + 2 < a.y + a.height;
      const text = svg.querySelectorAll("circle").length;
      return boxes.slice(text).flatMap((a, n) => boxes.filter((b, m) => m !== n + text && meet(a, b))).length;
    }"""
    pictures = page.locator("svg.kb-scatter")
    for number in range(4):
        assert pictures.nth(number).evaluate(overlaps) == 0
        assert pictures.nth(number).locator(".kb-plot-name").count() == (4, 4, 20, 20)[number]


def test_nothing_a_stranger_wrote_runs(visit: Callable[..., Page]) -> None:
    page = visit()
    assert page.evaluate("window.__fired") is None
    assert page.locator(".kb-compare-page").locator("script, img, iframe, object, embed").count() == 0
