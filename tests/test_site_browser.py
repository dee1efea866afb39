"""The site in a real browser: it can be searched, filtered and copied from, and nothing a paper says ever runs."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

import pytest
from browsing import Seen, served, visiting
from support import known

from catalog.export.ris import as_ris
from catalog.facts import Address, Facts, Name, Reading, Taught
from catalog.library import Library
from catalog.pages import SiteOptions, build, render, slugs
from catalog.pages.escape import plain
from catalog.pages.policy import protect
from catalog.pages.server import served as served_at

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TABLE = "table.kb-papers tbody tr"
TITLES = f"{TABLE} .kb-title"
BIBTEX = """@inproceedings{{{key},
  title  = {{{title}}},
  note   = {{tab\there, 100\\% & "<b>", `ticks` ```` {{{{x}}}} é 漢 \u2028}},
}}"""


# --- a small library ---

ROSA = "RoSA: Robust Adaptation"
LORA = "LoRA: Low-Rank Adaptation"
LONG = "LongLoRA: Long Contexts"
ODD = "Éclairs & Ångströms <i>not italic</i>"
SMALL = [  # key, title, authors, year, venue, status, tags, code
    ("nikdan2024rosa", ROSA, ("Mahdi Nikdan", "Dan Alistarh"), 2024, "ICML", "read", ("sparse",), True),
    ("hu2021lora", LORA, ("Edward J. Hu", "Weizhu Chen"), 2021, "ICLR", "read", ("low rank",), True),
    ("chen2023longlora", LONG, ("Yukang Chen",), 2023, "ICLR", "reading", ("low rank", "context"), True),
    ("dettmers2023qlora", "QLoRA: Quantised", ("Tim Dettmers",), 2023, "NeurIPS", "unread", ("low rank",), False),
    ("li2021prefix", "Prefix-Tuning", ("Xiang Lisa Li",), 2021, "ACL", "read", ("prompts",), False),
    ("DBLP:conf/x", ODD, ("Zoë Ünlü",), 0, "", "unread", (), False),
]
NOTES = """Freeze $W_0$, learn $BA$:

$$ h = W_0 x + BAx $$

See [RoSA](nikdan2024rosa.md), the [code](../notebooks/lora.ipynb) and ![a figure](https://example.org/fig.png).
"""


def small() -> list[Facts]:
    return [_entry(*row) for row in SMALL]


def _entry(
    key: str, title: str, authors: Sequence[str], year: int, venue: str, status: str, tags: Sequence[str], code: bool
) -> Facts:
    links = [("paper", f"https://example.org/{year}", ""), *([("code", "https://example.org/c", "")] if code else [])]
    notes = NOTES if key == "hu2021lora" else ""
    tutorials = (Taught("Walk", "", (("torch", "2.1"),), "../notebooks/w.ipynb"),) if notes else ()
    return known(
        key, title, authors, year, venue=venue, status=status, tags=tuple(tags), notes=notes, links=links,
        tutorials=tutorials, bibtex=BIBTEX.format(key=key, title=title), abstract="It costs $O(n)$.", added="2026-09-01",
        read="2026-10-01" if status == "read" else "",
    )  # fmt: skip


# --- attacks: each of these in every field of one paper ---

RUN = "window.__fired=1"
ATTACKS = [
    f"<script>{RUN}</script>",
    f"</title><script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"<ScRiPt >{RUN}</sCrIpT >",
    f"<<script>script>{RUN}<</script>/script>",
    f"<img src=x onerror={RUN}>",
    f'"><img src=x onerror={RUN}>',
    f"'><img src=x onerror={RUN}>",
    f"`><img src=x onerror={RUN}>",
    f"<img src=//evil.example/x.png onload={RUN}>",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<svg><a xlink:href=javascript:{RUN}><text>x</text></a></svg>",
    f"<math href=javascript:{RUN}>x</math>",
    f"<math><mtext></table></math><img src onerror={RUN}>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<iframe src=javascript:parent.{RUN}></iframe>",
    f"<object data=javascript:{RUN}></object>",
    f"<embed src=javascript:{RUN}>",
    f"<body onload={RUN}>",
    f"<details open ontoggle={RUN}>x</details>",
    f"<input autofocus onfocus={RUN}>",
    f"<video><source onerror={RUN}></video>",
    f"<audio src=x onerror={RUN}>",
    f"<a href=javascript:{RUN}>click</a>",
    f"[click](javascript:{RUN})",
    f"[click](jAvAsCrIpT:{RUN})",
    f"[click](java&Tab;script:{RUN})",
    f"[click](data:text/html,<script>{RUN}</script>)",
    f"[click][r]\n\n[r]: javascript:{RUN}",
    f"<javascript:{RUN}>",
    f"![x](x){{: onerror={RUN} }}",
    f"text {{: onclick={RUN} onmouseover={RUN} }}",
    f"# heading {{: onmouseover={RUN} }}",
    f"```\n</code></pre><script>{RUN}</script>\n```",
    f"````\n```\n<script>{RUN}</script>",
    f"~~~ {{.x onclick={RUN}}}\nx\n~~~",
    "{{ ''.__class__.__mro__[1].__subclasses__() }} {{ config.config_file_path }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}{% raw %}",
    '--8<-- "secret.txt"\n\n;--8<--\nsecret.txt\n--8<--',
    f"<!-- --><script>{RUN}</script><!--",
    f"<!--><img src=x onerror={RUN}>-->",
    "<style>@import '//evil.example/x.css';</style><style>*{background:url(//evil.example/x)}</style>",
    "<link rel=stylesheet href=//evil.example/x.css><base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=//evil.example/'>",
    f"<form action=//evil.example><button formaction=javascript:{RUN}>x</button></form>",
    "<div class=mermaid>graph TD; A-->B</div>\n\n```mermaid\ngraph TD; A-->B\n```",
    f"$\\href{{javascript:{RUN}}}{{x}}$ $$\\includegraphics{{//evil.example/x.png}}$$ $\\htmlData{{x=y}}{{z}}$",
    f"<span class='arithmatex'>\\(\\href{{javascript:{RUN}}}{{x}}\\)</span>",
    f"x\u2028{RUN}\u2029//\u0085\ufeff\u202e",
    f"\x02wzxhzdk:0\x03 klzzwxh:0001 \x01<script>{RUN}</script>",
    f"&lt;script&gt;{RUN}&lt;/script&gt; &#60;script&#62; &amp;lt;",
    f"---\ntitle: '<script>{RUN}</script>'\n---\n",
    f"': [\n- {{x: !!python/object/apply:os.system ['true']}}\n\"<script>{RUN}</script>",
    f"]]></title></entry><script xmlns='http://www.w3.org/1999/xhtml'>{RUN}</script>",
    f"<template><script>{RUN}</script></template><noscript><p title='</noscript><img src=x onerror={RUN}>'>",
    f"<x data-md-component=search data-kb-download=x style=position:fixed;inset:0 onclick={RUN}>y</x>",
    'x data-search-exclude="y" data-search-boost="z"',
    f'<a href=\'#\' id=__config>{{"base":"//evil.example"}}</a><script id=__config>{RUN}</script>',
]


def hostile() -> list[Facts]:
    """One paper for each attack; what the models refuse stands in the record, as a BibTeX entry could bring it."""
    return [_hostile(number, attack) for number, attack in enumerate(ATTACKS)]


def _hostile(number: int, attack: str) -> Facts:
    line = " ".join("".join(c for c in attack if c.isprintable() or c == "\n").split())
    key = f"k{number} " + "".join(c for c in line if c not in "{},")[:60]
    kinds = ("text", "em", "strong", "sc", "sub", "sup", "code", "math")
    rich = tuple((kind, attack) for kind in kinds)
    names = (Name(attack, line, attack, line), Name(literal=attack))
    good = f"https://example.org/?q={quote(line)}'onclick={RUN}"
    links = (("paper", good, line[:200]), ("paper", f"javascript:{RUN}", line), ("code", f"javascript:{RUN}", line))
    return Facts(
        key, (("text", attack),), (("author", names),), True, f"2020-{attack}", attack, attack, (("doi", attack), ("arxiv", attack)),
        tuple(Address(*link) for link in links), rich, (attack,), ((attack, attack),), (line,), (),
        (Taught(line, line, ((line, line),), f"x'onclick={RUN}.ipynb"),), ((line, attack),),
        Reading("unread", attack, attack, attack), readers=((line, Reading("reading", attack, attack)), (attack, Reading("read"))),
        bibtex=attack, notes=attack,
    )  # fmt: skip


# --- the browser and what it saw ---


@pytest.fixture(scope="session")
def small_folder(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert browser.is_connected()
    options = SiteOptions(title="Small adapters")
    return build(
        tmp_path_factory.mktemp("small"),
        render(small(), options, {"guide.md": "# Guide\n\n[LoRA](papers/hu2021lora.md)"}),
        options,
    )


@pytest.fixture(scope="session")
def site(small_folder: Path) -> Iterator[str]:
    with served(small_folder) as address:
        yield address


@pytest.fixture(scope="session")
def hostile_folder(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert browser.is_connected()
    root = tmp_path_factory.mktemp("hostile")
    (root / "secret.txt").write_text("THE-SECRET")
    return build(root, render(hostile(), SiteOptions(title="Hostile")), SiteOptions(title="Hostile"))


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Open a page of the small site; whatever goes wrong on it fails the test."""
    with visiting(browser, site) as open_page:
        yield open_page


def titles(page: Page) -> list[str]:
    return page.locator(TITLES).all_inner_texts()


def tick(page: Page, menu: str, *values: str) -> None:
    """Tick values in a menu of the table, and shut it; on a phone the menus are folded."""
    if page.locator(".kb-unfold[aria-expanded=false]").is_visible():
        page.locator(".kb-unfold").click()
    page.locator(".kb-menu > summary", has_text=menu).click()
    for value in values:
        page.locator(".kb-menu[open] label", has_text=value).first.click()
    page.keyboard.press("Escape")


def wait_rows(page: Page, count: int) -> None:
    from playwright.sync_api import expect

    expect(page.locator(TABLE)).to_have_count(count)


# --- reading and finding ---


@pytest.mark.parametrize("query", ["rosa", "Robust", "Nikdan", "Alistarh", "nikdan2024rosa"])
def test_header_search_finds_title_author_and_key(visit: Callable[..., Page], query: str) -> None:
    page = visit("papers/hu2021lora.html")
    page.click(".kb-find__open")
    page.keyboard.type(query)
    link = page.locator(".kb-find__list a").first
    link.wait_for()
    assert "RoSA: Robust Adaptation" in link.inner_text()
    link.click()
    page.wait_for_url("**/papers/nikdan2024rosa.html*")


def test_filters_leave_what_they_say_and_keep_it_in_the_address(visit: Callable[..., Page]) -> None:
    page = visit()
    assert len(titles(page)) == len(SMALL)
    page.get_by_role("button", name="Read 3", exact=True).click()
    wait_rows(page, 3)
    assert titles(page) == ["RoSA: Robust Adaptation", "LoRA: Low-Rank Adaptation", "Prefix-Tuning"]
    assert page.url.endswith("#status=read")
    page.locator(".kb-menu > summary", has_text="Year").click()
    page.fill("[aria-label='To year']", "2021")
    page.get_by_role("button", name="Has code").click()
    wait_rows(page, 1)
    assert page.locator(".kb-result").inner_text() == "1 of 6 papers"
    page.reload()
    wait_rows(page, 1)
    page.go_back()
    page.go_back()
    wait_rows(page, 3)
    page.get_by_role("button", name="Clear filters").click()
    wait_rows(page, 6)


def test_words_tags_venues_and_authors_narrow_the_table(visit: Callable[..., Page]) -> None:
    page = visit()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "kb-q"
    page.keyboard.type("unlu eclairs")
    wait_rows(page, 1)
    assert titles(page) == ["Éclairs & Ångströms <i>not italic</i>"]
    page.keyboard.press("Escape")
    tick(page, "Tags", "low rank")
    wait_rows(page, 3)
    page.click("[data-tag=context]")
    wait_rows(page, 1)
    assert "tag=low+rank&tag=context" in page.url
    page.goto(page.url.split("#")[0] + "#author=Edward+J.+Hu")
    wait_rows(page, 1)
    page.goto(page.url.split("#")[0] + "#venue=ICLR&sort=title")
    wait_rows(page, 2)
    page.fill("#kb-q", "nothing like it")
    page.get_by_text("No paper matches.").wait_for()
    page.get_by_role("button", name="Clear all filters").click()
    wait_rows(page, 6)


def test_several_values_of_a_facet_are_alternatives_and_come_back(visit: Callable[..., Page]) -> None:
    page = visit()
    tick(page, "Venue", "ICLR", "ACL")
    wait_rows(page, 3)
    tick(page, "Author", "Edward J. Hu", "Xiang Lisa Li")
    wait_rows(page, 2)
    assert "venue=ICLR&venue=ACL&author=Edward+J.+Hu&author=Xiang+Lisa+Li" in page.url
    page.reload()
    wait_rows(page, 2)
    page.get_by_role("button", name="Remove filter author Edward J. Hu").click()
    wait_rows(page, 1)
    page.goto(page.url.split("#")[0] + "#year=2022..&status=reading&status=read")
    wait_rows(page, 2)


def test_keys_walk_open_and_copy(visit: Callable[..., Page]) -> None:
    page = visit()
    for key in "jjk":
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.textContent") == SMALL[0][1]
    page.keyboard.press("j")
    page.keyboard.press("y")
    page.locator(".kb-result", has_text="Copied the citation of LoRA").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("Hu, E. J., & Chen, W. (2021). LoRA")
    page.keyboard.press("?")
    assert page.locator(".kb-keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.wait_for_url("**/papers/hu2021lora.html")


@pytest.mark.parametrize("ending", ["bib", "ris", "csv", "json", "md"])
def test_a_view_is_taken_away(visit: Callable[..., Page], ending: str) -> None:
    page = visit("index.html#venue=ICLR&sort=title")
    wait_rows(page, 2)
    page.locator(".kb-menu > summary", has_text="Export this view").click()
    with page.expect_download() as saved:
        page.locator(".kb-menu__item", has_text=f".{ending}").click()
    body = Path(saved.value.path()).read_bytes().decode()
    assert saved.value.suggested_filename == f"papers.{ending}"
    keys = ["chen2023longlora", "hu2021lora"]
    chosen = [facts for key in keys for facts in small() if facts.key == key]
    if ending == "bib":
        assert body == "\n\n".join(facts.bibtex for facts in chosen) + "\n"
    elif ending == "ris":
        assert body == as_ris(chosen)
    elif ending == "csv":
        assert [row["key"] for row in csv.DictReader(io.StringIO(body))] == keys
    elif ending == "json":
        assert [row["key"] for row in json.loads(body)] == keys
    else:
        assert [line.split("[")[1].split("]")[0] for line in body.splitlines()] == [LONG, LORA]


def test_reference_managers_find_the_papers(visit: Callable[..., Page]) -> None:
    page = visit()
    marks = page.locator(".Z3988").evaluate_all("all => all.map((one) => one.title)")
    assert [parse_qs(mark)["rft.atitle"] for mark in marks] == [[row[1]] for row in SMALL]
    page.goto(
        page.url + "papers/hu2021lora.html"
        if page.url.endswith("/")
        else page.url.replace("index.html", "papers/hu2021lora.html")
    )
    (mark,) = page.locator(".Z3988").evaluate_all("all => all.map((one) => one.title)")
    assert parse_qs(mark)["rft.au"] == ["Edward J. Hu", "Weizhu Chen"]
    assert parse_qs(mark)["rft_id"] == ["https://example.org/2021"]


def test_every_column_sorts_both_ways(visit: Callable[..., Page]) -> None:
    page = visit()
    page.get_by_role("button", name="Year", exact=True).click()
    assert titles(page)[0] == "RoSA: Robust Adaptation"
    assert page.locator("th.kb-col-year").get_attribute("aria-sort") == "descending"
    assert titles(page)[-1].startswith("Éclairs"), "what has no year comes last"
    page.get_by_role("button", name="Year", exact=True).click()
    assert page.locator("th.kb-col-year").get_attribute("aria-sort") == "ascending"
    assert titles(page)[-1].startswith("Éclairs")
    page.get_by_role("button", name="Paper", exact=True).click()
    assert titles(page)[:2] == ["Éclairs & Ångströms <i>not italic</i>", "LongLoRA: Long Contexts"]
    assert not page.get_by_role("button", name="Added", exact=True).count(), "it says the same in every row"
    for name in ("Venue", "Tags", "Status"):
        page.get_by_role("button", name=name, exact=True).click()
    page.reload()
    assert page.locator("th.kb-col-status").get_attribute("aria-sort") == "descending"
    page.select_option("select[aria-label='Sort by']", "author")
    assert titles(page)[0].startswith("LongLoRA")


def test_a_paper_page_links_back_into_the_table(visit: Callable[..., Page]) -> None:
    page = visit("papers/hu2021lora.html")
    assert page.locator("h1").inner_text() == "LoRA: Low-Rank Adaptation"
    page.click(".kb-authors a >> nth=0")
    wait_rows(page, 1)
    page.go_back()
    page.click(".kb-tags a")
    wait_rows(page, 3)
    page.go_back()
    page.click(".kb-notes a:has-text('RoSA')")
    page.wait_for_url("**/papers/nikdan2024rosa.html")
    assert page.locator(".kb-near a", has_text="LoRA: Low-Rank").count()
    page.click(".kb-turn__next")
    page.wait_for_url("**/papers/hu2021lora.html")


def test_bibtex_is_copied_and_saved_byte_for_byte(visit: Callable[..., Page]) -> None:
    page = visit("papers/hu2021lora.html")
    expected = BIBTEX.format(key="hu2021lora", title="LoRA: Low-Rank Adaptation")
    page.get_by_role("button", name="Cite", exact=True).click()
    page.get_by_role("button", name="Copy BibTeX").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == expected
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download .bib").click()
    assert saved.value.suggested_filename == "hu2021lora.bib"
    assert Path(saved.value.path()).read_bytes() == expected.encode()
    page.get_by_role("button", name="Copy citation").click()
    assert page.evaluate("navigator.clipboard.readText()").startswith("Hu, E. J., & Chen, W. (2021). LoRA")
    page.goto(f"{page.url}#cite")
    page.reload()
    assert page.get_by_role("button", name="Copy BibTeX").is_visible()
    page.evaluate("navigator.clipboard.writeText('')")
    page.keyboard.press("y")
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("Hu, E. J., & Chen, W. (2021). LoRA")


def test_mathematics_is_set_without_a_script(visit: Callable[..., Page]) -> None:
    page = visit("papers/hu2021lora.html", java_script_enabled=False)
    assert page.locator(".kb-notes math").count() == 3
    assert page.locator(".kb-notes math[display=block]").count() == 1
    assert page.locator(".kb-tex").count() == 0


@pytest.mark.parametrize("path", ["index.html", "index.html#status=read&tag=low+rank", "papers/hu2021lora.html"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_without_scrolling_sideways(visit: Callable[..., Page], path: str, scheme: str) -> None:
    page = visit(path, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("body[data-md-color-scheme]").wait_for()
    assert page.evaluate(LOW_CONTRAST) == []


LOW_CONTRAST = """() => {
  const channels = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (let n = node; n; n = n.parentElement) {
      const colour = channels(getComputedStyle(n).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const node of document.querySelectorAll("article *")) {
    const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !node.checkVisibility() || node.closest("[aria-hidden=true], :disabled")) continue;
    const [a, b] = [light(channels(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    const ratio = getComputedStyle(node).opacity < 1 ? 0 : (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) low.push(`${node.className || node.tagName}: ${node.textContent.slice(0, 30)} ${ratio}`);
  }
  return low;
}"""


def test_what_stands_around_a_paper_comes_from_one_script(visit: Callable[..., Page], small_folder: Path) -> None:
    page = visit("papers/hu2021lora.html", viewport={"width": 360, "height": 740})
    assert "md-header" not in (small_folder / "papers" / "hu2021lora.html").read_text(encoding="utf-8")
    assert page.locator(".md-header__topic").all_inner_texts()[1] == page.locator("h1").inner_text()
    page.locator(".md-header label[for=__drawer]").click()
    page.locator(".md-nav--primary").get_by_text("Guide").click()
    assert page.url.endswith("/guide.html")


def test_on_paper_the_list_fits_and_menus_are_gone(visit: Callable[..., Page]) -> None:
    page = visit(viewport={"width": 700, "height": 990})
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    assert page.locator(".kb-menu:visible, .kb-menu__panel:visible, .kb-controls:visible").count() == 0
    assert page.locator(f"{TABLE}:visible").count() == len(SMALL)


AXE = (Path(__file__).parent / "data" / "axe" / "axe.min.js").read_text(encoding="utf-8")
WIDTHS = (320, 720, 768, 800, 1024, 1440)


def faults(page: Page, width: int) -> list[str]:
    """What axe finds on a page, and whether it scrolls sideways."""
    page.locator("body[data-md-color-scheme]").wait_for()
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    wide = page.evaluate("document.documentElement.scrollWidth")
    said = [f"{page.url} at {width}: {one['id']} {node['html'][:200]}" for one in found for node in one["nodes"]]
    return said + ([f"{page.url} at {width}: scrolls sideways, {wide}"] if wide > width else [])


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (800, "dark")])
def test_axe_finds_nothing(visit: Callable[..., Page], width: int, scheme: str) -> None:
    page = visit(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    found = faults(page, width)
    tick(page, "Tags", "low rank")
    page.locator(".kb-menu > summary", has_text="Tags").click()
    found += faults(page, width)
    for path in ("papers/hu2021lora.html", "guide.html", "404.html"):
        page.goto(page.url.partition("#")[0].rpartition("/")[0].removesuffix("/papers") + "/" + path)
        found += faults(page, width)
    page.goto(page.url.removesuffix("404.html") + "papers/hu2021lora.html")
    page.get_by_role("button", name="Cite", exact=True).click()
    assert found + faults(page, width) == []


@pytest.mark.nightly
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_our_own_site(browser: Browser, tmp_path: Path, scheme: str) -> None:
    root = Path(__file__).parents[1]
    shutil.copytree(root, tmp_path / "own", ignore=shutil.ignore_patterns("build", ".*", "tests", "catalog"))
    folder = Library.open(tmp_path / "own").build_site()
    pages = ["index", "compare", "map", "404", "guide/index", "guide/benchmarks", "decisions/formulas", "papers/peft"]
    pages += ["papers/hu2021lora", "papers/dettmers2023qlora", "papers/notebook-tutorial_qlora"]
    found = []
    with served(folder) as base:
        for width in WIDTHS:
            context = browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce"
            )
            page = context.new_page()
            for name in pages:
                if (folder / f"{name}.html").is_file():
                    page.goto(f"{base}{name}.html")
                    found += faults(page, width)
            context.close()
    assert found == []


def test_every_link_within_the_site_leads_somewhere(small_folder: Path, visit: Callable[..., Page]) -> None:
    page = visit()
    missing = []
    for file in sorted(small_folder.rglob("*.html")):
        where = file.relative_to(small_folder).as_posix()
        if where == "404.html":
            continue
        page.goto(page.url.split("#")[0].rsplit("index.html")[0].split("/papers/")[0].rstrip("/") + "/" + where)
        hrefs = page.eval_on_selector_all("a[href], link[href], script[src]", "all => all.map(a => a.href || a.src)")
        base = page.url[: -len(where)]
        paths = {href[len(base) :].partition("#")[0] for href in hrefs if href.startswith(base)}
        missing += [(where, path) for path in paths if not (small_folder / (path or "index.html")).is_file()]
        page.goto(base + "index.html")
    assert missing == []


def test_it_works_from_a_folder_on_disk(browser: Browser, small_folder: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto((small_folder / "index.html").as_uri() + "#status=read")
    wait_rows(page, 3)
    page.click(TITLES)
    page.wait_for_url("**/nikdan2024rosa.html")
    page.click(".kb-crumb a")
    wait_rows(page, 6)
    assert errors == []
    context.close()


# --- attacks ---


@pytest.mark.parametrize(("bypass", "step"), [(False, 3), (True, 1)], ids=["with the policy", "on the encoding alone"])
def test_nothing_a_paper_says_runs(browser: Browser, hostile_folder: Path, bypass: bool, step: int) -> None:
    names = slugs(facts.key for facts in hostile())
    with served(hostile_folder) as base:
        seen = Seen(base)
        context = browser.new_context(bypass_csp=bypass)
        page = context.new_page()
        page.set_default_timeout(5000)
        seen.watch(page)
        for facts in hostile()[::step]:
            page.goto(f"{base}papers/{names[facts.key]}.html")
            found = page.evaluate(INSPECT)
            assert found["fired"] is None, facts.key
            assert found["active"] == [], facts.key
            assert found["bibtex"] == facts.bibtex, facts.key
            assert _folded(found["h1"]) == _folded(facts.heading), facts.key
            assert found["about"] == facts.heading, facts.key
            assert _folded(found["graph"]) == _folded(plain(facts.heading)), facts.key
            assert "THE-SECRET" not in found["text"]
            assert "<class " not in found["text"]
            assert f"{base}papers/" in page.url
        assert seen.wrong == []
        context.close()


INSPECT = """() => {
  const forbidden = "script,iframe,object,embed,img,style,link,base,meta,form,svg,template".split(",");
  const active = [];
  for (const node of document.querySelectorAll("article *")) {
    for (const { name, value } of node.attributes) {
      const runs = name.startsWith("on") || /^\\s*(javascript|data|vbscript):/i.test(value);
      if (runs) active.push(`${node.tagName} ${name}=${value}`);
    }
    const ours = node.closest("math, .md-icon");
    if (!ours && forbidden.includes(node.tagName.toLowerCase())) active.push(node.tagName);
  }
  for (const node of document.querySelectorAll("article :is(a, button, summary, .kb-notes *)")) {
    node.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
    if (/^(javascript|data):/i.test(node.href || "")) node.click();
  }
  const shown = (selector) => document.querySelector(selector).textContent;
  const about = JSON.parse(shown("script[type='application/ld+json']")).about.name;
  const graph = document.querySelector("meta[property='og:title']").content;
  return { fired: window.__fired ?? null, active, about, graph, bibtex: shown("[data-kb-text=bibtex]"),
    h1: shown("article h1"), text: document.body.textContent };
}"""


def _folded(value: str) -> str:
    return " ".join(value.split())


def test_table_and_search_show_hostile_papers_as_text(browser: Browser, hostile_folder: Path) -> None:
    with served(hostile_folder) as base:
        seen = Seen(base)
        context = browser.new_context(bypass_csp=True)
        page = context.new_page()
        page.set_default_timeout(5000)
        seen.watch(page)
        page.goto(base)
        page.click(".kb-show")
        wait_rows(page, len(ATTACKS))
        assert [_folded(t) for t in page.locator(TITLES).all_text_contents()] == [_folded(a) for a in ATTACKS]
        assert page.locator("tbody a[href^=javascript]").count() == 0
        page.click(".kb-find__open")
        page.keyboard.type("onerror")
        page.locator(".kb-find__list a").first.wait_for()
        assert "<img src=x onerror=" in page.locator(".kb-find__list").inner_text()
        for query in ("script", "svg", "<img src=x onerror=window.__fired=1>"):
            page.keyboard.press("Control+a")
            page.keyboard.type(query)
            page.wait_for_timeout(200)
            assert page.locator(".kb-find :is(script, img, iframe, style)").count() == 0
        assert page.evaluate("window.__fired ?? null") is None
        assert seen.wrong == []
        context.close()


@pytest.mark.parametrize(
    "value", [f"<img src=x onerror={RUN}>", f'"><svg onload={RUN}>', "__proto__", "constructor", "%", "\\", "(" * 500]
)
def test_a_hostile_address_is_text(browser: Browser, site: str, value: str) -> None:
    seen = Seen(site)
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.set_default_timeout(5000)
    seen.watch(page)
    encoded = quote(value)
    every = "&".join(f"{name}={encoded}" for name in ("q", "status", "tag", "author", "venue", "year", "sort", "code"))
    for hash_part in ("", every, f"q={encoded}", f"sort={encoded}", f"tag={encoded}&tag={encoded}", encoded):
        page.goto(f"{site}index.html?{every}#{hash_part}")
        page.locator(".kb-result", has_text="paper").wait_for(state="attached")
    page.wait_for_timeout(200)
    assert page.evaluate("window.__fired ?? null") is None
    assert page.locator("article img").count() == 0
    assert seen.wrong == []
    context.close()


def test_these_tests_can_fail(browser: Browser, hostile_folder: Path, tmp_path: Path) -> None:
    """A script in a page is stopped by the policy, and noticed where there is none."""
    copy = tmp_path / "copy"
    shutil.copytree(hostile_folder, copy)
    body = (copy / "404.html").read_text().replace("</body>", f"<script>{RUN}</script></body>")
    policy_free = body.replace(
        body[body.index("<meta http-equiv") : body.index(">", body.index("<meta http-equiv")) + 1], ""
    )
    (copy / "evil.html").write_text(policy_free)
    protect(copy, SiteOptions(), [copy / "evil.html"])
    with served(copy) as base:
        for bypass, fired in ((False, None), (True, 1)):
            context = browser.new_context(bypass_csp=bypass)
            page = context.new_page()
            page.goto(f"{base}evil.html")
            assert page.evaluate("window.__fired ?? null") == fired
            context.close()


# --- serving while papers change ---


def test_a_changed_paper_shows_within_two_seconds(browser: Browser, tmp_path: Path) -> None:
    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER)
    (tmp_path / "papers").mkdir()
    note = tmp_path / "papers" / "one.md"
    note.write_text("first words")
    process = _started(driver, tmp_path)
    try:
        address = json.loads(process.stdout.readline())
        assert served_at(tmp_path) == address
        seen = Seen(address)
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(5000)
        seen.watch(page)
        page.goto(f"{address}papers/one.html")
        assert page.locator(".kb-notes p").inner_text() == "first words"
        note.write_text("other words <img src=x onerror=window.__fired=1>")
        started = time.monotonic()
        page.get_by_text("other words").wait_for()
        assert time.monotonic() - started < 4, "two seconds is the promise; a busy machine gets twice that"
        assert page.evaluate("window.__fired ?? null") is None
        note.write_text("BROKEN")
        page.get_by_text("the file is broken").wait_for()
        note.write_text("mended words")
        page.get_by_text("mended words").wait_for()
        answer = page.goto(f"{address}absent.html")
        assert answer is not None
        assert answer.status == 404
        assert page.locator("h1").inner_text() == "There is no such page"
        assert [w for w in seen.wrong if "404" not in w] == []
        context.close()
        process.send_signal(2)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""
        assert served_at(tmp_path) == "", "nobody serves any more"
    finally:
        process.kill()
        process.communicate()


DRIVER = """
import json
import sys
from pathlib import Path
from catalog.errors import KbError
from catalog.facts import Facts
from catalog.library import Library
from catalog.pages import SiteOptions, render
from catalog.pages.server import serve
from catalog.facts import Facts

root = Path(sys.argv[1])

def rerender():
    notes = (root / "papers" / "one.md").read_text()
    if notes == "BROKEN":
        raise KbError("the file is broken")
    return render([Facts("one", (("text", "One"),), notes=notes)], SiteOptions())

serve(root, rerender, SiteOptions(), port=0, open_url=lambda url: print(json.dumps(url), flush=True))
"""


def _started(driver: Path, root: Path) -> Any:
    import subprocess
    import sys

    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, str(driver), str(root)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    from catalog.errors import KbError
    from catalog.pages.server import serve

    with served(tmp_path) as address:
        port = int(address.rstrip("/").rpartition(":")[2])
        with pytest.raises(KbError, match=f"port {port} on 127.0.0.1 is taken; choose another with --port"):
            serve(tmp_path, lambda: {}, SiteOptions(), port=port)


def test_a_failed_build_leaves_the_old_site(small_folder: Path) -> None:
    from catalog.errors import KbError

    root = small_folder.parents[1]
    files = render(small(), SiteOptions(title="Small adapters"))
    before = (small_folder / "index.html").read_bytes()
    with pytest.raises(KbError, match=r"(?s)could not build.*absent\.md"):
        build(root, files | {"guide.md": "[x](absent.md)"}, replace(SiteOptions(), title="Small adapters"))
    assert (small_folder / "index.html").read_bytes() == before
