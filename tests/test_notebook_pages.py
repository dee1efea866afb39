"""Notebooks: what a page shows of them, that a stranger's does no harm, and tutorials that fell behind their libraries."""

from __future__ import annotations

import base64
import importlib.metadata
import json
import os
import re
import shutil
import struct
import time
import zlib
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browsing import Seen, served
from hypothesis import given, settings
from hypothesis import strategies as st
from support import Kb, known
from test_site_browser import ATTACKS, LOW_CONTRAST

from catalog.check.drift import compatible, drifted
from catalog.check.world import version_of
from catalog.errors import KbError
from catalog.facts import Facts, Taught
from catalog.library import Library
from catalog.notebook import MOST_CELLS, MOST_IN_ALL, MOST_SHOWN, MOST_TEXT, Notebook, problem, read
from catalog.pages import NotebookFile, SiteOptions, build, render
from catalog.pages.picture import png
from catalog.store import beside

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ADDRESS = "../notebooks/walk.ipynb"
WRITTEN, RAN = {"torch": "2.13.0", "peft": "0.21.2"}, {"torch": "2.14.0", "transformers": "5.23.0"}
OWN = {"written_for": WRITTEN, "last_run": {"date": "2026-11-24", "device": "CPU", "python": "3.11.7", "versions": RAN}}


def notebook(*cells: dict[str, Any], **metadata: Any) -> bytes:
    values = {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(values, indent=1).encode()


def markdown(source: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def code(source: Any, *outputs: Any, number: Any = 1) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": number, "metadata": {}, "outputs": list(outputs), "source": source}


def stream(text: Any) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def shown(**data: Any) -> dict[str, Any]:
    named = {name.replace("_", "/"): value for name, value in data.items()}
    return {"output_type": "display_data", "data": named, "metadata": {}}


def picture(width: int = 3, height: int = 2, extra: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + b"\x80\x20\x20" * width for _ in range(height)))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def encoded(body: bytes) -> str:
    return base64.b64encode(body).decode()


def paper(key: str = "doe2026walk", *notebooks: str, **versions: str) -> Facts:
    taught = (Taught(f"Walk {n}", "", tuple(versions.items()), one) for n, one in enumerate(notebooks))
    return known(key, f"On {key}", tutorials=tuple(taught))


def site(body: bytes, **versions: str) -> dict[str, str | bytes]:
    files = {ADDRESS: NotebookFile("notebooks/walk.ipynb", body)}
    return render([paper("doe2026walk", ADDRESS, **versions)], SiteOptions(), notebooks=files)


def page(*cells: dict[str, Any], **metadata: Any) -> str:
    return str(site(notebook(*cells, **metadata))["papers/notebook-walk.md"])


# --- what is shown ---


def test_prose_code_and_outputs_in_order() -> None:
    body = page(
        markdown(["# A *walk*\n", "\n", "From [a paper](../papers/doe2026walk.md), $x^2$.\n", "\n", "## First part"]),
        code("def f():\n    return 1", stream(["one\n", "two\n"])),
        markdown("### Deeper\n\n# Second part"),
        code("f()", shown(text_plain="'it is 1'")),
    )
    assert "<h1>A walk</h1>" in body
    assert '<a href="doe2026walk.html" rel="noreferrer">a paper</a>' in body
    assert '<h2 id="section-1">First part</h2>' in body
    assert "<h3>Deeper</h3>" in body
    assert '<a href="#section-2">Second part</a>' in body
    assert '<span class="k">def</span>' in body
    places = [body.index(part) for part in ("First part</h2>", "one&#10;two</samp>", "Deeper", "it is 1")]
    assert places == sorted(places)
    assert "<math" in body
    _, _, rest = body.split("---\n", 2)
    assert len(rest.strip().split("\n")) == 1


def test_versions_stand_beside_each_other() -> None:
    files = site(notebook(code("1"), readrun=OWN), torch="2.12.0", bitsandbytes="0.50")
    body, of_paper = str(files["papers/notebook-walk.md"]), str(files["papers/doe2026walk.md"])
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td></tr>', unescape(body))
    assert rows == [("torch", "2.12.0", "2.14.0"), ("bitsandbytes", "0.50", "–"), ("transformers", "–", "5.23.0")]
    assert "last run 24 Nov 2026 on CPU, Python 3.11.7" in unescape(body)
    assert '<a href="notebook-walk.html" rel="noreferrer">Walk 0</a>' in of_paper
    assert '<th scope="col">Last ran with</th>' in of_paper
    assert "transformers <b>5.23.0</b>" in unescape(of_paper)


def test_what_the_notebook_says_itself_counts_where_the_paper_is_silent() -> None:
    files = site(notebook(code("1"), readrun=OWN))
    assert "<td>0.21.2</td><td>–</td>" in unescape(str(files["papers/notebook-walk.md"]))
    assert "peft <b>0.21.2</b>" in unescape(str(files["papers/doe2026walk.md"]))


def test_a_notebook_without_runs_has_a_page_and_no_empty_column() -> None:
    files = site(notebook(markdown("Hello")))
    assert "<h1>walk</h1>" in str(files["papers/notebook-walk.md"])
    assert "Last ran with" not in str(files["papers/doe2026walk.md"])


def test_the_notebook_itself_can_be_had() -> None:
    body = notebook(code("1"))
    assert site(body)["papers/notebook-walk/walk.ipynb"] == body


def test_text_is_as_on_a_terminal() -> None:
    shown_text = (
        read(notebook(code("x", stream("\x1b[31mred\x1b[0m\n 0%\r50%\r100%\nend\r\n")))).cells[0].outputs[0].text
    )
    assert shown_text == "red\n100%\nend"


def test_plain_text_is_preferred_and_a_placeholder_is_not() -> None:
    html = "<table><tr><td>1</td></tr></table>"
    cell = code(
        "x",
        shown(text_plain="a table", text_html=html),
        shown(text_plain="<IPython.core.display.HTML object>", text_html=html),
        shown(text_plain="<IPython.core.display.Markdown object>", text_markdown="*so*"),
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[0;31mTraceback", "E: v"]},
        shown(**{"application_x.y": "z"}),
    )
    outputs = read(notebook(cell)).cells[0].outputs
    assert [(one.kind, one.text) for one in outputs] == [
        ("text", "a table"), ("html", html), ("markdown", "*so*"), ("error", "Traceback\nE: v"),
    ]  # fmt: skip
    assert "<table><tbody><tr><td>1</td></tr></tbody></table>" in page(cell)


def test_notebooks_of_the_format_before() -> None:
    old = {
        "worksheets": [
            {
                "cells": [
                    {"cell_type": "heading", "level": 1, "source": "Old"},
                    {
                        "cell_type": "code",
                        "input": "1",
                        "prompt_number": 3,
                        "outputs": [{"output_type": "pyout", "text": ["1"]}],
                    },
                ]
            }
        ]
    }
    found = read(json.dumps(old).encode())
    assert found.title == "Old"
    assert (found.cells[0].source, found.cells[0].number, found.cells[0].outputs[0].text) == ("1", 3, "1")


def test_pictures_are_checked_and_written_again() -> None:
    comment = b"tEXt" + b"Comment\0<script>"
    hidden = struct.pack(">I", len(comment) - 4) + comment + struct.pack(">I", zlib.crc32(comment))
    body = picture(extra=hidden)
    files = site(notebook(code("x", shown(image_png=encoded(body) + "\n", text_plain="<Figure>"))))
    assert files["papers/notebook-walk/1.png"] == picture()
    assert '<img src="notebook-walk/1.png" width="3" height="2" alt="Output of cell 1"' in str(
        files["papers/notebook-walk.md"]
    )


@pytest.mark.parametrize(
    "body",
    [
        b"<script>", b"\x89PNG\r\n\x1a\n", picture()[:-6], picture().replace(b"IDAT", b"IDAX"), picture(0), picture(30_000, 1),
        picture()[:30] + b"\xff" + picture()[31:], b"GIF89a" + picture(),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_not_shown(body: bytes) -> None:
    assert png(encoded(body)) is None
    files = site(notebook(code("x", shown(image_png=encoded(body)))))
    assert not [path for path in files if path.startswith("papers/") and path.endswith(".png")]
    assert "a picture that cannot be shown here" in str(files["papers/notebook-walk.md"])


@given(st.binary(max_size=200), st.integers(0, 60))
def test_a_damaged_picture_is_none(noise: bytes, place: int) -> None:
    body = picture()[:place] + noise + picture()[place + len(noise) :]
    found = png(encoded(body))
    assert found is None or found.body == picture() or body.startswith(picture())


def test_two_notebooks_of_one_name_and_a_paper_of_the_same() -> None:
    a, b = "../a/walk.ipynb", "../b/walk.ipynb"
    files = {
        a: NotebookFile("a/walk.ipynb", notebook(markdown("# A"))),
        b: NotebookFile("b/walk.ipynb", notebook(markdown("# B"))),
    }
    made = render(
        [paper("notebook-walk"), paper("two", a, b, "../a/./walk.ipynb")],
        SiteOptions(),
        notebooks=files | {"../a/./walk.ipynb": files[a]},
    )
    pages = {
        path: re.findall("<h1>(.*?)</h1>", str(body))[0]
        for path, body in made.items()
        if path.startswith("papers/notebook") and path.endswith(".md")
    }
    assert pages == {
        "papers/notebook-walk.md": "On notebook-walk",
        "papers/notebook-walk-2.md": "A",
        "papers/notebook-walk-3.md": "B",
    }
    hrefs = re.findall(r'href="(notebook-[^"]*)"', str(made["papers/two.md"]).partition("</table>")[0])
    assert hrefs == ["notebook-walk-2.html", "notebook-walk-3.html", "notebook-walk-2.html"]


def test_a_notebook_of_several_papers_names_all() -> None:
    files = {ADDRESS: NotebookFile("notebooks/walk.ipynb", notebook(code("1")))}
    made = str(
        render([paper("a2020", ADDRESS), paper("b2021", ADDRESS)], SiteOptions(), notebooks=files)[
            "papers/notebook-walk.md"
        ]
    )
    assert re.findall(r'<li><a href="(\w+)\.html#tutorials"', unescape(made)) == ["a2020", "b2021"]


# --- a stranger's ---


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(ATTACKS[:20]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(
            ["cells", "worksheets", "metadata", "cell_type", "source", "input", "outputs", "output_type", "data", "text",
             "text/plain", "text/html", "text/markdown", "image/png", "traceback", "execution_count", "level", "readrun",
             "written_for", "last_run", "versions", "date", "language_info", "name", "kernelspec"]
        ), inner, max_size=6),
    max_leaves=30,
)  # fmt: skip
KINDS = st.sampled_from(["code", "markdown", "raw", "heading", "stream", "error", "display_data", "pyout"])
CELLS = st.fixed_dictionaries(
    {
        "cell_type": KINDS | ANYTHING,
        "source": ANYTHING,
        "outputs": ANYTHING
        | st.lists(st.fixed_dictionaries({"output_type": KINDS, "data": ANYTHING, "text": ANYTHING}), max_size=3),
    },
)


@settings(max_examples=150)
@given(ANYTHING | st.fixed_dictionaries({"cells": st.lists(CELLS | ANYTHING, max_size=4), "metadata": ANYTHING}))
def test_whatever_the_file_holds_a_page_or_one_line_comes_of_it(values: Any) -> None:
    body = json.dumps(values).encode("utf-8", "surrogatepass")
    try:
        found = read(body)
    except KbError as e:
        assert "\n" not in str(e)
        assert problem(body)
        return
    assert isinstance(found, Notebook)
    assert problem(body) is None
    made = str(site(body)["papers/notebook-walk.md"])
    assert len(made.split("---\n", 2)[2].strip().split("\n")) == 1
    assert not re.search(r"<script|<iframe|<object|<svg|[{}]", made.split("---\n", 2)[2])


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_strangers_text_stays_text(attack: str) -> None:
    cell = code(attack, stream(attack), shown(text_html=attack), shown(text_markdown=attack), shown(text_latex=attack), shown(image_png=attack),
                {"output_type": "error", "traceback": [attack]}, number=attack)  # fmt: skip
    own = {
        "written_for": {attack: attack},
        "last_run": {"date": attack, "device": attack, "python": attack, "versions": {attack: attack}},
    }
    body = page(
        markdown(f"# {attack}\n\n{attack}"),
        cell,
        {"cell_type": attack, "source": attack},
        readrun=own,
        language_info={"name": attack},
    )
    markup = body.split("---\n", 2)[2]
    assert not re.search(r"<[^>]*\s(?:on\w+|style|srcdoc|srcset)=", markup)
    addresses = [unescape(found) for found in re.findall(r'(?:href|src)="([^"]*)"', markup)]
    assert all(re.match(r"https?://|mailto:|[\w./#-]*\Z", one) for one in addresses)
    assert not re.search(r"<(?:script|iframe|object|embed|svg|math|form|video|audio|style|link|meta|base)\b", markup)
    assert not re.search(r"[{}]", markup)


BAD = {
    "deep": b"[" * 200_000,
    "deep cells": b'{"cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "not JSON": b"<html>",
    "empty": b"",
    "not UTF-8": b'{"cells": ["\xff"]}',
    "a list": b"[]",
    "no cells": b'{"metadata": {}}',
    "a long number": b'{"cells": ' + b"9" * 10_000 + b"}",
    "large": b'{"cells": []}' + b" " * MOST_SHOWN,
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_notebook_is_one_finding_and_no_page(name: str, root: Path, kb: Kb) -> None:
    (root / "notebooks").mkdir()
    (root / "notebooks" / "walk.ipynb").write_bytes(notebook(markdown("good")))
    kb("add", "--title", "On walks", "--key", "walk")
    Library.open(root).change("walk", lambda p: p.evolve(tutorials=[{"name": "Walk", "notebook": ADDRESS}]))
    (root / "notebooks" / "walk.ipynb").write_bytes(BAD[name])
    ran = kb("check")
    assert ran.out.count("notebook") >= 1
    (finding,) = [one for one in Library.open(root).check() if one.code == "bad-notebook"]
    assert finding.remedy
    assert finding.line
    files = Library.open(root).pages()
    assert not [path for path in files if "notebook-" in path]
    assert "<code>../notebooks/walk.ipynb</code>" in str(files["papers/walk.md"])


def test_a_very_large_notebook_is_shown_in_part_and_soon() -> None:
    cells = [code("x = 1\n" * 1000, *[stream("y" * 30_000)] * 60), markdown("[a](b) *c* <d> " * 2000)] * 300 + [
        markdown("last")
    ] * MOST_CELLS
    body = notebook(*cells[: MOST_CELLS + 5])[: MOST_SHOWN * 3]
    small = notebook(
        *[code("x = 1\n" * 500, *[stream("y" * 25_000)] * 5)] * 90,
        *[markdown("[a](b) *c* <d> \\e " * 500)] * 90,
        *[markdown("z")] * MOST_CELLS,
    )
    assert problem(body)
    assert len(small) < MOST_SHOWN
    started = time.monotonic()
    made = site(small)["papers/notebook-walk.md"]
    assert time.monotonic() - started < 20
    assert len(made) < 5 * MOST_IN_ALL
    assert "more cells are in the notebook" in str(made)
    assert f"{25_000 - MOST_TEXT} more characters are in the notebook" in str(made)


@pytest.mark.parametrize(
    "hard", ["<b>" * 6000, "<table>" * 2500, "[" * 19_000, "> " * 9000, "<a " * 6000, "*_" * 9000, "<p><ul><li>" * 1800]
)
def test_hard_markup_is_done_soon(hard: str) -> None:
    started = time.monotonic()
    page(markdown(hard), code("x", shown(text_html=hard), shown(text_markdown=hard)))
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "address",
    [
        "../../outside.ipynb",
        "/etc/passwd.ipynb",
        "../link.ipynb",
        "../folder.ipynb",
        "../%2e%2e/outside.ipynb",
        "../a\x00.ipynb",
        "../kb.toml",
        "../pipe.ipynb",
    ],
)
def test_nothing_outside_is_read(address: str, root: Path) -> None:
    outside = root.parent / "outside.ipynb"
    outside.write_bytes(notebook(markdown("secret")))
    (root / "link.ipynb").symlink_to(outside)
    (root / "folder.ipynb").mkdir()
    os.mkfifo(root / "pipe.ipynb")
    assert beside.notebook(Library.open(root).store, address) is None


def test_what_is_inside_is_read(root: Path) -> None:
    (root / "a b.ipynb").write_bytes(b"{}")
    store = Library.open(root).store
    assert beside.notebook(store, "../a%20b.ipynb") == ("a b.ipynb", b"{}")
    assert beside.notebook(store, "./../a%20b.ipynb#part") == ("a b.ipynb", b"{}")


# --- behind its libraries ---


@pytest.mark.parametrize(
    ("stated", "installed", "fits"),
    [
        ("5.23.0", "5.24.1", True), ("4.36", "5.23.0", False), ("5", "5.23.0", True), ("5.x", "5.23.0", True),
        ("0.7.1", "0.21.2", False), ("0.21.0", "0.21.2", True), ("0", "0.21.2", True), ("0.0.3", "0.0.4", False),
        ("2.13.0+cpu", "2.13.0", True), ("v2.13", "2.0rc1", True), ("==4.1", "5.0", False), ("~=4.1", "5.0", False),
        (">=4.36", "5.23", True), ("4.36-5.2", "5.23", True), ("main", "5.23", True), ("", "5", True), ("2024.01", "2026.1", False),
        ("9" * 400, "5", True),
    ],
)  # fmt: skip
def test_another_major_version(stated: str, installed: str, fits: bool) -> None:
    assert compatible(stated, installed) is fits


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_version_is_compared(stated: str, installed: str) -> None:
    assert compatible(stated, stated)
    assert compatible(stated, installed) == compatible(installed, stated)


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=10), max_size=3))
def test_any_name_may_be_a_librarys(versions: dict[str, str]) -> None:
    assert all(name in versions for name, _, _ in drifted(versions, version_of))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    versions = {"torch": "3.0.1", "peft": "0.21.2", "transformers": "5.23.0"}

    def version(name: str) -> str:
        try:
            return versions[name]
        except KeyError:
            raise importlib.metadata.PackageNotFoundError(name) from None

    monkeypatch.setattr(importlib.metadata, "version", version)
    return versions


def drift_of(root: Path) -> list[Any]:
    return [finding for finding in Library.open(root).check() if finding.code == "drift"]


def tutorials(root: Path, *values: dict[str, Any]) -> None:
    library = Library.open(root)
    if "walk" not in library.papers():
        library.add(title="On walks", key="walk", links=["https://example.org/walks"])
    library.change("walk", lambda p: p.evolve(tutorials=list(values)))


def test_drift_is_told_with_file_and_line(root: Path, installed: dict[str, str], kb: Kb) -> None:
    (root / "notebooks").mkdir()
    (root / "notebooks" / "walk.ipynb").write_bytes(notebook(code("1")))
    old = {"name": "Old", "versions": {"torch": "1.0"}}
    same = {"name": "Same", "versions": {"torch": "3.2", "peft": "0.21.0", "jax": "0.1"}, "notebook": ADDRESS}
    new = {"name": "New", "versions": {"torch": "2.13.0", "peft": "0.7.1"}, "notebook": ADDRESS}
    tutorials(root, old, same, new)
    torch, peft = drift_of(root)
    assert (torch.path, torch.kind) == ("papers/walk.md", "note")
    assert torch.message == "tutorial New: written for torch 2.13.0, and 3.0.1 is installed"
    assert torch.remedy
    lines = (root / "papers" / "walk.md").read_text().split("\n")
    assert [lines[one.line - 1].strip() for one in (torch, peft)] == ["torch: 2.13.0", "peft: 0.7.1"]
    assert torch.line == lines.index("      torch: 2.13.0") + 1
    ran = kb("check")
    assert f"papers/walk.md:{torch.line}" in ran.out
    assert ran.status == 0, "a warning is no error"


def test_what_the_notebook_states_is_looked_at_where_the_paper_is_silent(root: Path, installed: dict[str, str]) -> None:
    (root / "notebooks").mkdir()
    path = root / "notebooks" / "walk.ipynb"
    own = {"written_for": {"torch": "2.13.0", "peft": "0.20"}, "last_run": {"versions": {"torch": "2.13.0"}}}
    path.write_bytes(notebook(markdown('"torch": "written_for"'), readrun=own))
    tutorials(root, {"name": "New", "versions": {"peft": "0.21.2"}, "notebook": ADDRESS})
    (finding,) = drift_of(root)
    assert finding.path == "notebooks/walk.ipynb"
    assert path.read_text().split("\n")[finding.line - 1].strip().startswith('"torch": "2.13.0"')
    tutorials(root, {"name": "New", "versions": {"peft": "0.21.2", "torch": "3"}, "notebook": ADDRESS})
    assert drift_of(root) == []


def test_the_linked_page_of_another_site_falls_behind_too(root: Path, installed: dict[str, str]) -> None:
    tutorials(root, {"name": "Far", "versions": {"transformers": "4.36"}, "notebook": "https://example.org/a.ipynb"})
    assert len(drift_of(root)) == 1
    installed["transformers"] = "4.50"
    assert drift_of(root) == []


def test_flow_style_has_a_line_too(root: Path, installed: dict[str, str]) -> None:
    Library.open(root).add(title="On walks", key="walk")
    path = root / "papers" / "walk.md"
    path.write_text(
        path.read_text().replace(
            "status: unread\n",
            "status: unread\ntutorials: [{name: A, versions: {torch: '2.0'}, notebook: 'https://x.org/a'}]\n",
        )
    )
    (finding,) = drift_of(root)
    assert "tutorials:" in path.read_text().split("\n")[finding.line - 1]


# --- in the browser ---


@pytest.fixture(scope="module")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    assert browser.is_connected()
    everything = [
        code(
            attack,
            stream(attack),
            shown(text_html=attack),
            shown(text_markdown=attack),
            {"output_type": "error", "traceback": [attack]},
        )
        for attack in ATTACKS
    ]
    own = {
        "written_for": {a: a for a in ATTACKS[:40]},
        "last_run": {"date": ATTACKS[0], "device": ATTACKS[5], "versions": {a: a for a in ATTACKS[:40]}},
    }
    hostile = notebook(
        *[cell for attack, cell in zip(ATTACKS, everything, strict=True) for cell in (markdown(attack), cell)],
        readrun=own,
    )
    plain = (Path(__file__).parent.parent / "notebooks" / "tutorial_qlora.ipynb").read_bytes()
    drawn = notebook(markdown("# Drawn"), code("plot()", shown(image_png=encoded(picture(300, 200)))))
    files = {
        "h.ipynb": NotebookFile("h.ipynb", hostile), "t.ipynb": NotebookFile("t.ipynb", plain), "d.ipynb": NotebookFile("d.ipynb", drawn),
    }  # fmt: skip
    folder, options = tmp_path_factory.mktemp("notebooks"), SiteOptions(title="Notebooks")
    with served(
        build(folder, render([paper("walk", *files, torch="2.13.0")], options, notebooks=files), options)
    ) as base:
        yield base
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_the_page_in_a_browser(browser: Browser, address: str, width: int, scheme: Any) -> None:
    seen = Seen(address)
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(5000)
    seen.watch(page)
    for name in ("t", "d", "h"):
        page.goto(f"{address}papers/notebook-{name}.html")
        page.locator("body[data-md-color-scheme]").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("window.__fired ?? null") is None
        ids = "[...document.querySelectorAll('article [id]')].map((n) => n.id)"
        assert page.evaluate(f"(ids => ids.length - new Set(ids).size)({ids})") == 0
        if name == "t":
            assert page.evaluate(LOW_CONTRAST) == []
            assert page.locator(".kb-contents a").count() >= 7
        if name == "d":
            page.locator("figure img").scroll_into_view_if_needed()
            page.wait_for_function("document.querySelector('figure img').naturalWidth === 300")
    assert page.locator("article :is(script, iframe, svg, object, embed, form, style)").count() == 0
    page.goto(f"{address}papers/walk.html")
    page.click("text=Walk 1")
    page.wait_for_url("**/notebook-t.html")
    assert seen.wrong == []
    context.close()


def test_nothing_fires_even_without_the_policy(browser: Browser, address: str) -> None:
    seen = Seen(address)
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    seen.watch(page)
    page.goto(f"{address}papers/notebook-h.html")
    page.mouse.move(300, 300)
    page.keyboard.press("Tab")
    page.wait_for_timeout(300)
    assert page.evaluate("window.__fired ?? null") is None
    assert seen.wrong == []
    context.close()
