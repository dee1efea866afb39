"""The pages: what they say, that text of strangers stays text, and what is written where."""

from __future__ import annotations

import importlib
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support import known

from catalog import files
from catalog.errors import KbError
from catalog.facts import Facts, Name, Taught
from catalog.library import Library
from catalog.library.site import planned
from catalog.pages import SiteOptions, render, slugs, write
from catalog.pages.builder import BASE, base_config, prepare
from catalog.pages.escape import front_matter, html_on_one_line, meta_value, script_json, text, web_address
from catalog.pages.home import MARK, home_page, table
from catalog.pages.lazy import Lazy, body_of
from catalog.pages.mathematics import math_html
from catalog.pages.notes import notes_html
from catalog.pages.paper import short_authors
from catalog.pages.placed import place
from catalog.pages.policy import policy, protect, protected
from catalog.pages.related import related
from catalog.pages.takeaway import in_openurl

ATOM = "{http://www.w3.org/2005/Atom}"
BIBTEX = "@misc{adapter,\n  title = {Small {A}dapters},\n  note  = {```~~~ 100\\% <b>},\n}"


def entry(key: str = "adapter", notes: str = "", bibtex: str = "", **values: Any) -> Facts:
    return known(**{"key": key, "title": "Small adapters", "notes": notes, "bibtex": bibtex, **values})


def page(*entries: Facts, slug: str = "adapter") -> str:
    body = render(entries or (entry(),), SiteOptions())[f"papers/{slug}.md"]
    assert isinstance(body, str)
    return body


def texts(markup: str) -> str:
    """The text that a reader of HTML sees."""
    seen: list[str] = []
    parser = HTMLParser()
    parser.handle_data = seen.append
    parser.feed(markup)
    parser.close()
    return "".join(seen)


# --- names ---


def test_keys_that_are_names_keep_them() -> None:
    assert slugs(["hu2021lora", "Li_2021"]) == {"hu2021lora": "hu2021lora", "Li_2021": "Li_2021"}


@given(st.lists(st.text(min_size=1, max_size=20), unique=True, max_size=30))
def test_names_are_safe_and_differ_whatever_the_case(keys: list[str]) -> None:
    names = slugs(keys)
    assert set(names) == set(keys)
    assert len({name.lower() for name in names.values()}) == len(keys)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", name) for name in names.values())


def test_hard_keys_get_names() -> None:
    names = slugs(["DBLP:conf/x", "dblp-conf-x", "index", "README", "日本", "con", "../x"])
    assert names["dblp-conf-x"] == "dblp-conf-x"
    assert names["DBLP:conf/x"].startswith("DBLP-conf-x-")
    assert not {"index", "readme", "con"} & {name.lower() for name in names.values()}


# --- text stays text ---


@given(st.text())
def test_text_is_what_a_browser_shows(value: str) -> None:
    shown = unescape(text(value))
    expected = re.sub(r"[\x00\ud800-\udfff]", "\ufffd", value)
    if not re.search(r"[\x01-\x08\x0b-\x1f\x7f-\x9f\ufdd0-\ufdef]|[\ufffe\uffff]", value):
        assert shown == expected
    assert "\n" not in text(value)
    assert not re.search(r"[<>{}\"'`]", text(value))


@given(st.text())
def test_front_matter_survives_any_value(value: str) -> None:
    block = front_matter({"title": meta_value(value), "kb": "paper"})
    assert block.startswith("---\n")
    assert block.count("\n---\n") == 1
    values = yaml.safe_load(block.split("---\n")[1])
    assert set(values) == {"title", "kb"}
    assert "<" not in values["title"]


@given(st.text())
def test_script_data_never_closes_its_script(value: str) -> None:
    body = script_json({"t": value})
    assert not re.search(r"[<>&\u2028\u2029]", body)
    assert json.loads(body)["t"] == re.sub(r"[\ud800-\udfff]", "\ufffd", value)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "//x", "x.md", "ftp://x/y", ""]
)
def test_only_web_addresses_become_links(url: str) -> None:
    assert web_address(url) == ""


def test_a_page_is_front_matter_and_one_line_of_html() -> None:
    body = page(entry(notes="a\n\n<div>\n\nb\n\n--8<-- 'x'\n", bibtex=BIBTEX, abstract="one\n\ntwo"))
    _, _, rest = body.split("---\n", 2)
    assert len(rest.strip().split("\n")) == 1
    assert rest.strip().startswith("<div")


def test_bibtex_stands_once_and_byte_for_byte() -> None:
    body = page(entry(bibtex=BIBTEX))
    code = re.search(r'data-kb-text="bibtex">(.*?)</code>', body)
    assert code is not None
    assert unescape(code[1]) == BIBTEX
    assert texts(body).count("@misc{adapter") == 1


# --- notes ---


def test_headings_of_notes_leave_no_level_out() -> None:
    said = page(entry(notes="## One\n\n#### Two\n\n### Three\n\n## Four\n\n# Five\n"))
    assert re.findall(r"<(h\d)>(One|Two|Three|Four|Five)</\1>", said) == [
        ("h3", "One"), ("h4", "Two"), ("h4", "Three"), ("h3", "Four"), ("h3", "Five"),
    ]  # fmt: skip


def test_notes_are_rendered() -> None:
    html = notes_html(
        "# Idea\n\nIt *works*:\n- one\n- two\n\n| a | b |\n|--|--:|\n| 1 | 2 |\n\n```py\nx = {}\n```\n", {}
    )
    assert "<h3>Idea</h3>" in html
    assert "<em>works</em>" in html
    assert html.count("<li>") == 2
    assert "<table>" in html
    assert "x = &#123;&#125;" in html


def test_a_fence_keeps_its_lines() -> None:
    assert "a&#10;- b" in notes_html("```\na\n- b\n```", {})


@pytest.mark.parametrize(
    ("notes", "html"),
    [
        ("[LoRA](hu2021lora.md)", '<a href="hu2021lora.html" rel="noreferrer">LoRA</a>'),
        ("[x](./DBLP%253Aconf%252Fx.md)", '<a href="D-x.html" rel="noreferrer">x</a>'),
        ("[x](DBLP%3Aconf%2Fx.md#part)", '<a href="D-x.html" rel="noreferrer">x</a>'),
        ("[code](../notebooks/x.ipynb)", "code <code>../notebooks/x.ipynb</code>"),
        ("[gone](gone.md)", "gone <code>gone.md</code>"),
        ("[here](#part)", "here"),
        ("<a href='javascript:x'>y</a>", "y"),
    ],
)
def test_links_lead_somewhere_or_are_text(notes: str, html: str) -> None:
    assert html in notes_html(notes, {"hu2021lora": "hu2021lora", "DBLP:conf/x": "D-x"})


def test_pictures_from_elsewhere_are_links() -> None:
    html = notes_html(
        "![fig](https://example.org/a.png)\n\n<img src=//evil.example/x.png>\n\n[![b](http://x/b)](http://x)", {}
    )
    assert "<img" not in html
    assert ">fig</a>" in html
    assert html.count("<a ") == 2


def test_mathematics_is_set_and_money_is_not() -> None:
    shown = notes_html("so $x_1 * y_2$ holds\n\n$$\na *b* c\n$$", {})
    assert shown.count("<math") == 2
    assert '<div class="kb-math"><math display="block">' in shown
    assert "<math" not in notes_html("from $5 to $10", {})
    assert "<math" in page(entry(abstract="costs $O(n)$ steps", title="$x^2$ and more"))
    assert "<math" not in page(entry(abstract="costs $5 or $6"))
    assert "</math>.</span>" in notes_html("it is $x^2$.", {}), "a full stop begins no line"


def test_a_line_may_end_within_a_long_formula() -> None:
    """Behind its signs, but none in brackets, and no sign of its own."""
    shown = math_html(r"\sum_{i=1}^{n} \frac{a_i}{b_i} = -(b + \alpha_{i}) - c \to \infty")
    parts = [re.sub("<[^>]+>", "", part) for part in shown.split("<wbr>")]
    assert parts == ["∑i=1naibi=", "−(b+αi)−", "c→", "∞"]
    assert all(re.fullmatch("<math>.*</math>", part) for part in shown.split("<wbr>"))
    assert "<wbr>" not in math_html("a = b + c")


@pytest.mark.parametrize(
    "tex", [r"\href{javascript:x()}{y}", r"\text{<b>}", r"\unknown{x}", "a<b", r"\color{red}x", "&"]
)
def test_formulas_hold_nothing_but_layout(tex: str) -> None:
    shown = math_html(tex)
    assert not re.search(r"href|<b>|on\w+=|script", re.sub(r"<code.*?</code>", "", shown))
    assert texts(shown)


@given(st.text(max_size=60) | st.text(alphabet=r"\\{}^_&%$<>\"' abxfracsqrtlefight()[]12", max_size=80))
def test_no_text_breaks_the_setting_of_formulas(tex: str) -> None:
    shown = math_html(tex, block=True)
    assert "\n" not in shown
    assert re.fullmatch(r'<div class="kb-math"[^>]*><(?:math|code)\b.*</(?:math|code)></div>', shown)
    for part in math_html(tex).split("<wbr>") if tex.isprintable() else ():
        ET.fromstring(part)  # noqa: S314  # our own text


HOSTILE_NOTES = [
    "<script>x()</script>",
    "<img src=x onerror=x()>",
    "<svg/onload=x()>",
    "<iframe srcdoc='<script>x()</script>'></iframe>",
    "<math><mtext></table></math><img src onerror=x()>",
    "[a](javascript:x)",
    "[a](JAVA&#x0a;SCRIPT:x)",
    "text\n{: onclick=x() }",
    "``` {.py onclick=x()}\na\n```",
    "<style>*{display:none}</style>",
    "<form action=//evil><input type=submit></form>",
    "<a href=x title='<img src=x onerror=x()>'>y</a>",
    "<div class=mermaid>graph</div>",
    "<base href=//evil>",
    "<!-- --><b onmouseover=x()>y</b>",
    '![x](https://evil.example/x.png"onerror="x)',
]


@pytest.mark.parametrize("notes", HOSTILE_NOTES)
def test_hostile_notes_are_defused(notes: str) -> None:
    html = notes_html(notes, {})
    tags: list[tuple[str, dict[str, str | None]]] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append((tag, dict(attrs)))
    parser.feed(html)
    for tag, attributes in tags:
        assert tag not in {"script", "style", "img", "svg", "iframe", "form", "base", "math", "object"}
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "id")]
        assert attributes.get("class") in (None, "arithmatex", "kb-picture")
        assert (attributes.get("href") or "http").startswith(("http", "mailto"))


@given(st.text(alphabet="<>[]()!`*_#$|~\\\"'{}:=- \n\tax/&;.1", max_size=80))
def test_any_notes_give_one_clean_line(notes: str) -> None:
    html = notes_html(notes, {})
    assert "\n" not in html
    assert "{" not in html
    assert not re.search(r"<(script|style|img|iframe|svg)\b", html)


@pytest.mark.parametrize(
    "notes", [">" * 5000, "- " * 5000, "[" * 30000, "<b>" * 20000, "*a " * 30000, "x" * 300_000, "`" * 9999, "|" * 9999]
)
def test_monstrous_notes_are_shown(notes: str) -> None:
    assert len(notes_html(notes, {})) > 5


@given(st.text())
def test_one_line_of_html_has_no_line_ends(markup: str) -> None:
    assert not re.search(r"[\n\r{}]", html_on_one_line(markup))


# --- what pages say ---


def test_a_paper_page_says_what_is_known() -> None:
    facts = known(
        "adapter", "Small adapters", ("Ada Low", "Bo Rank"), 2019, venue="ICML", kind="inproceedings", status="read",
        added="2026-01-02", read="2026-02-03", tags=("long context",), doi="10.1/x", arxiv="1902.00751",
        links=(
            ("paper", "https://arxiv.org/abs/1902.00751", ""), ("code", "https://github.com/x/y", "official"),
            ("data", "../data/x.csv", ""),
        ),
        tutorials=(Taught("Walk", "2023-06-01", (("torch", "2.0.1"),), "../notebooks/w.ipynb"),),
    )  # fmt: skip
    body = unescape(page(facts))
    for piece in (
        '<a href="../index.html#author=Ada+Low">Ada Low</a>',
        '<a href="../index.html#venue=ICML">ICML</a>',
        '<a href="../index.html#year=2019">2019</a>',
        '<a href="../index.html#tag=long+context">long context</a>',
        'href="https://github.com/x/y"',
        'href="https://doi.org/10.1/x"',
        "<code>../data/x.csv</code>",
        "<code>../notebooks/w.ipynb</code>",
        "torch <b>2.0.1</b>",
        "1 Jun 2023",
        "<dd>3 Feb 2026</dd>",
    ):
        assert piece in body, piece
    assert "citation_" not in body


def test_a_paper_with_nothing_but_a_key_has_a_page() -> None:
    body = page(entry(title=""))
    assert "<h1>adapter</h1>" in body
    assert "Copy BibTeX" not in body


def test_short_authors() -> None:
    assert [short_authors(known("k", "t", a, 2020)) for a in ((), ("A B",), ("A B", "C D"), ("A B", "C", "D"))] == [
        "2020", "B, 2020", "B and D, 2020", "B et al., 2020",
    ]  # fmt: skip


def test_neighbours_and_mentions() -> None:
    one = entry("one", title="Rotary embeddings", cites=("two", "absent"), tags=("x",))
    two = entry("two", title="Quantised caches", tags=("X",))
    three = entry("three", title="Rotary caches")
    body = page(one, two, three, slug="two")
    assert "Mentioned by" in body
    assert 'rel="prev" href="one.html"' in body
    assert 'rel="next" href="three.html"' in body
    assert "shares X" in body
    assert "shares rotary" in page(one, two, three, slug="three")


def test_related_ignores_what_all_papers_share() -> None:
    records = [known(f"k{n}", f"Title{n}", tags=("all",)) for n in range(9)]
    assert not any(related(records).values())
    records += [known("a", "Zebra", tags=("all", "rare")), known("b", "Other", tags=("rare", "all"))]
    assert [near.key for near in related(records)["a"]] == ["b"]
    assert related(records)["a"][0].shares == ("rare",)


def test_related_are_those_that_mean_the_same_where_that_is_known() -> None:
    titles = {"a": "A zebra", "b": "One zebra", "c": "Gnus", "d": "Okapis"}
    records = [known(key=key, title=title) for key, title in titles.items()]
    near = related(records, meant={"a": ["c", "b", "gone"]})
    assert [(one.key, one.shares) for one in near["a"]] == [("c", ()), ("b", ("zebra",))]
    assert near["b"] == []


def test_home_frames_the_table_with_hand_written_words() -> None:
    home = render([entry()], SiteOptions(title="T<b>"), {"index.md": f"# Mine\n\nbefore\n\n{MARK}\n\nafter"})[
        "index.md"
    ]
    assert isinstance(home, str)
    assert home.index("before") < home.index('id="kb-table"') < home.index("after")
    assert "# T" not in home
    plain = render([entry()], SiteOptions(title="T<b>"))["index.md"]
    assert "\n# T&#60;b&#62;\n" in str(plain)


def test_table_holds_what_it_needs_and_no_more() -> None:
    files = render([entry(authors=("A",), year=2020, notes="long", abstract="long", status="read")], SiteOptions())
    (row,) = json.loads(str(files["papers.js"]).splitlines()[0].removeprefix("window.readrunPapers=").rstrip(";"))
    assert row == {
        "key": "adapter",
        "slug": "adapter",
        "title": "Small adapters",
        "authors": ["A"],
        "sort": "A",
        "year": 2020,
        "status": "read",
    }


def test_the_bib_of_all_has_what_its_entries_share() -> None:
    shared = '@string{icml = "ICML"}'
    assert str(render([entry(bibtex=BIBTEX)], SiteOptions(shared=shared))["library.bib"]).startswith(shared)
    assert render([entry(bibtex=BIBTEX)], SiteOptions())["library.bib"] == BIBTEX + "\n"


def test_nothing_at_all_is_a_site() -> None:
    files = render([], SiteOptions())
    assert json.loads(files["papers.json"]) == []
    ET.fromstring(str(files["feed.xml"]))  # noqa: S314  # our own text


@given(st.text(), st.text())
def test_feed_is_xml_whatever_it_holds(title: str, tag: str) -> None:
    entries = [entry(title="T", added="2026-01-02", read="2026-03-04", status="read", tags=(tag,))]
    entries[0] = replace(entries[0], title=(("text", title),), people=(("author", (Name(literal=title),)),))
    feed = ET.fromstring(str(render(entries, SiteOptions(title, url="https://x.org/kb/"))["feed.xml"]))  # noqa: S314 - our own feed
    found = feed.findall(f"{ATOM}entry")
    assert [str(item.findtext(f"{ATOM}updated"))[:10] for item in found] == ["2026-03-04", "2026-01-02"]
    assert found[0].find(f"{ATOM}link").attrib["href"] == "https://x.org/kb/papers/adapter.html"
    assert len({item.findtext(f"{ATOM}id") for item in found}) == 2


def test_json_ld_is_about_the_paper() -> None:
    head = page(entry(authors=("A </script>",), year=2020)).split("---\n")[1]
    data = json.loads(yaml.safe_load(head)["jsonld"])
    assert data["@type"] == "WebPage"
    assert data["about"]["author"][0]["name"] == "A </script>"
    assert "</" not in head


# --- writing ---


def test_write_touches_only_what_changed(tmp_path: Path) -> None:
    assert write({"a.md": "1", "papers/b.md": "2"}, tmp_path) == (2, 0)
    before = (tmp_path / "a.md").stat().st_mtime_ns
    assert write({"a.md": "1", "papers/b.md": "3"}, tmp_path) == (1, 0)
    assert (tmp_path / "a.md").stat().st_mtime_ns == before
    (tmp_path / "mine.md").write_text("kept")
    assert write({"a.md": "1"}, tmp_path) == (0, 1)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".readrun-pages.json", "a.md", "mine.md"]


def test_write_refuses_to_overwrite_what_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text("mine")
    with pytest.raises(KbError, match=r"index\.md was not written by kb"):
        write({"a.md": "1", "index.md": "2"}, tmp_path)
    assert not (tmp_path / "a.md").exists()


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "", "a\\b"])
def test_write_stays_in_its_folder(path: str, tmp_path: Path) -> None:
    with pytest.raises(KbError, match="not a path inside the site"):
        write({path: "x"}, tmp_path / "out")


def test_a_broken_manifest_removes_nothing(tmp_path: Path) -> None:
    write({"a.md": "1"}, tmp_path)
    (tmp_path / ".readrun-pages.json").write_text('["../../x", 3]')
    assert write({"a.md": "1"}, tmp_path) == (0, 0)


# --- configuration and policy ---


def test_configuration_of_a_collection(tmp_path: Path) -> None:
    files = render([entry()], SiteOptions(), {"guide.md": "# G", "decisions/why.md": "# W"})
    config = base_config(tmp_path, files, SiteOptions('A "B" & <c>'))
    assert config["site_name"] == "A &quot;B&quot; & &lt;c&gt;"
    assert config["nav"] == [{"Papers": "index.md"}, "guide.md", {"Decisions": ["decisions/why.md"]}]
    assert config["plugins"] == []
    assert config["theme"]["font"] is False
    assert (Path(config["theme"]["custom_dir"]) / "main.html").is_file()


def test_own_mkdocs_yml_is_used_where_it_inherits(tmp_path: Path) -> None:
    own = tmp_path / "mkdocs.yml"
    own.write_text("site_name: something else\n")
    assert prepare(tmp_path, {"index.md": "x"}, {}, SiteOptions()) == tmp_path / BASE
    own.write_text(f"INHERIT: {BASE}\n")
    assert prepare(tmp_path, {"index.md": "x"}, {}, SiteOptions(trusted=True)) == own


def test_a_page_that_comes_along_sends_nobody_elsewhere() -> None:
    head = b'<meta charset="utf-8">'
    for sent in (b"<meta http-equiv=refresh content=0;url=//e.org>", b"<META content='0' HTTP-EQUIV = \"Refresh\">"):
        assert b"efresh" not in protected("x", head + sent, "", SiteOptions())
        assert sent in protected("x", head + sent, "", SiteOptions(trusted=True))


def test_policy_knows_the_scripts_of_the_theme_and_no_others(tmp_path: Path) -> None:
    head = '<head><meta charset="utf-8">{}</head><script>s=new URL("{}",location)</script>'
    (tmp_path / "404.html").write_text(head.format("", "/"))
    (tmp_path / "evil.html").write_text(head.format("<script>evil()</script>", ".."))
    rule = protect(tmp_path, SiteOptions(trusted=True))
    assert rule == policy(head.format("", "/"))
    assert "unsafe-inline" not in rule.split("script-src")[1].split(";")[0]
    for name in ("404.html", "evil.html"):
        body = (tmp_path / name).read_text()
        assert body.index("Content-Security-Policy") < body.index("<script>")
    protect(tmp_path, SiteOptions(trusted=True))
    assert (tmp_path / "evil.html").read_text().count("Content-Security-Policy") == 1


def test_everything_of_the_theme_is_loaded_from_the_site() -> None:
    files = render([entry(notes="$x$")], SiteOptions())
    for path, body in files.items():
        if path.endswith((".css", ".html")):
            assert not re.search(
                rb"url\(['\"]?(?:https?:)?//|@import", body if isinstance(body, bytes) else body.encode()
            )
    assert 'url("math.woff2")' in bytes(files["assets/readrun.css"]).decode()
    assert {"assets/math.woff2", "assets/math-LICENSE.txt"} <= set(files)


@pytest.mark.parametrize("line", ["---", "***", "# a", "=", "- a", "a"])
def test_notes_whose_lines_cost_their_square_stand_as_they_are(line: str) -> None:
    from catalog.pages import notes

    assert notes.notes_html(f"{line}\n" * (notes.MAX_RUN + 2), {}).startswith("<pre>")
    assert not notes.notes_html(f"{line}\n\n" * 50, {}).startswith("<pre>")


def test_formulas_of_titles_come_to_the_table_set() -> None:
    files = render(
        [entry(title=r"Of $\frac{\alpha_i}{\sqrt[3]{n}}$ and *more*"), entry("b", title="Plain")], SiteOptions()
    )
    first, other = json.loads(str(files["papers.js"]).splitlines()[0].removeprefix("window.readrunPapers=").rstrip(";"))
    assert [kind for kind, _ in first["rich"]] == ["text", "math", "text"]
    assert first["rich"][1][1].startswith("<math>")
    assert "rich" not in other


@pytest.mark.parametrize(
    ("kind", "title"), [("article", "rft.atitle"), ("book", "rft.btitle"), ("phdthesis", "rft.title")]
)
def test_a_page_carries_its_paper_for_reference_managers(kind: str, title: str) -> None:
    one = entry(kind=kind, authors=('A "B" <C>',), year=2020, venue="V & W")
    said = parse_qs(unescape(re.findall(r'class="Z3988" title="([^"]*)"', page(one))[0]))
    assert said[title] == ["Small adapters"]
    assert said["rft.au"] == ['A "B" <C>']
    assert said["rft.date"] == ["2020"]


def test_reference_managers_part_names_as_the_entry_does() -> None:
    names = (
        Name("Hu", "Edward J."),
        Name("Maaten", "Laurens", "van der"),
        Name("García Márquez", "Gabriel"),
        Name("小明", "王"),
    )
    said = [in_openurl(name) for name in (*names, Name(literal="Meta AI"))]
    assert said[0] == "Edward J. Hu"
    assert said[1:3] == ["van der Maaten, Laurens", "García Márquez, Gabriel"]
    assert said[4] == "Meta AI"
    (row,) = table([Facts("k", people=(("author", names),))], {"k": "k"})
    assert row["named"] == said[:4]
    assert "named" not in table([Facts("k", people=(("author", names[:1]),))], {"k": "k"})[0]


def test_a_file_written_in_place_is_news_in_a_large_collection_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Library, "neighbours", lambda _: {})  # papers that say the same are all near to what changes
    library = Library.init(tmp_path)
    for n in range(210):
        (tmp_path / "papers" / f"k{n}.md").write_text(f"---\ntitle: Paper {n}\nstatus: unread\n---\n\nFirst.\n")
    before = planned(library)
    with (tmp_path / "papers" / "k7.md").open("a") as file:
        file.write("\nSecond.\n")
    after = planned(library)
    pages = {path for path in before if path.startswith("papers/")}
    assert {path for path in pages if key_of(before[path]) != key_of(after[path])} == {"papers/k7.md"}
    assert "Second." in str(body_of(after["papers/k7.md"]))


def test_one_change_asks_for_one_file_one_page_and_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library.init(tmp_path / "kb")
    for n in range(210):
        body = f"---\ntitle: Paper on zorvam number{n // 3} lek{n // 3}\nstatus: unread\n---\n"
        (library.store.folder / f"k{n}.md").write_text(body)
    monkeypatch.setattr(Library, "neighbours", lambda _: {})
    place(planned(library), tmp_path / "site")
    library.mark_read(["k7"])
    said, compared, opened = [], [], []
    nearest, as_dict, read = importlib.import_module("catalog.pages.related"), Facts.as_dict, files.read_stamped
    monkeypatch.setattr(Facts, "as_dict", lambda one, *ran: said.append(one.key) or as_dict(one, *ran))
    monkeypatch.setattr(nearest, "related", lambda *a, **_: compared.append(a) or {})
    monkeypatch.setattr(files, "read_stamped", lambda path, *a: opened.append(Path(path).name) or read(path, *a))
    placed = place(planned(Library.open(library.root)), tmp_path / "site")
    assert [path for path in placed.written if path.startswith("papers/")] == ["papers/k7.md"]
    assert said == ["k7"]
    assert not compared
    assert {name for name in opened if name.startswith("k") and name.endswith(".md")} <= {"k7.md"}
    monkeypatch.undo()
    whole = json.loads((tmp_path / "site" / "papers.json").read_bytes())
    assert whole == [one.as_dict() for one in library.list("", "-added,key")]
    assert len(placed.written) < 15


def key_of(file: object) -> object:
    return file.key if isinstance(file, Lazy) else file


def test_no_title_takes_a_place_of_the_page(tmp_path: Path) -> None:
    options = SiteOptions("kbmarkbodykbmark", description="kbmarkheadkbmark")
    said = home_page([], {}, options) + repr(base_config(tmp_path, {}, options))
    assert "kbmark" not in said.replace(str(tmp_path), "")
