"""The pages say what is true: commands print what is shown, links lead somewhere, lists are whole."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import bibtexparser
import pytest
import yaml
from transcripts import GIVEN, REPOSITORY, play, prepare, read

from catalog.check.codes import CODES
from catalog.cli import SECTIONS
from catalog.library import Library
from catalog.models import FRONT_MATTER
from catalog.search.cells import SORTS
from catalog.search.query import EXAMPLES, FIELDS, parse
from catalog.store.config import Config

SITE = REPOSITORY / "site"
GUIDE = sorted((SITE / "guide").glob("*.md"))
DECISIONS = sorted((SITE / "decisions").glob("*.md"))
PAGES = [REPOSITORY / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG")] + sorted(SITE.rglob("*.md"))
PLAYED = [page for page in [REPOSITORY / "README.md", *GUIDE] if "```console\n" in page.read_text("utf-8")]
MOST_LINES = {"CHANGELOG.md": 400, "commands.md": 1300}
_CODE = re.compile(r"^(?P<fence>`{3,}).*?^(?P=fence)$|`[^`\n]*`", re.M | re.S)
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<to>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (?P<text>.+)$", re.M)


def name_of(page: Path) -> str:
    """The page as a test names it."""
    return page.relative_to(REPOSITORY).as_posix()


def rows(page: str) -> dict[str, str]:
    """The first cell of each table row, its backticks and colon off, and the rest of the row."""
    found = re.findall(r"^\| `([^`]+?):?` \|(.*)\|$", (SITE / "guide" / page).read_text("utf-8"), re.M)
    assert found
    return dict(found)


# --- what pages show is what is printed ---


@pytest.mark.parametrize("page", PLAYED, ids=name_of)
def test_commands_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    text = page.read_text("utf-8")
    steps = read(text)
    assert steps
    printed = play(steps, prepare(text, tmp_path))
    as_it_is = "".join(f"$ {step.command}\n{out}" for step, out in zip(steps, printed, strict=True))
    as_shown = "".join(f"$ {step.command}\n{step.shown}" for step in steps)
    assert as_it_is == as_shown, f"run: python tests/transcripts.py {name_of(page)}"


def test_no_page_with_commands_is_missed() -> None:
    assert {"README.md", "index.md", "import.md", "search.md", "export.md", "check.md"} <= {p.name for p in PLAYED}


def test_a_page_that_shows_something_else_is_found(tmp_path: Path) -> None:
    page = "<!-- starts empty -->\n```console\n$ kb init\nmade somewhere\n$ echo a; kb list\n```\n"
    steps = read(page)
    assert [(step.command, step.shown) for step in steps] == [("kb init", "made somewhere\n"), ("echo a; kb list", "")]
    first, second = play(steps, prepare(page, tmp_path))
    assert first.startswith("made /home/you/reading\n")
    assert second == "a\nno paper\n"


def test_every_given_file_is_used() -> None:
    wanted = {name for page in PLAYED for step in read(page.read_text("utf-8")) for name in step.files}
    assert wanted == {path.name for path in GIVEN.iterdir()}


def python_blocks() -> Iterator[tuple[Path, str]]:
    for page in [REPOSITORY / "README.md", *GUIDE]:
        for block in re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S):
            yield page, block


def test_python_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    base = prepare("", tmp_path)
    monkeypatch.chdir(base)
    monkeypatch.delenv("KB_ROOT", raising=False)
    blocks = list(python_blocks())
    assert blocks
    for page, block in blocks:
        exec(compile(block, str(page), "exec"), {})  # noqa: S102 - our own example
    assert "xu2023qa 2023 QA-LoRA" in capsys.readouterr().out
    assert Library.open(base).get("xu2023qa").reading.status == "read"


# --- links lead somewhere ---


def links(page: Path) -> Iterator[str]:
    """Where the links of a page lead, code apart."""
    for link in _LINK.finditer(_CODE.sub("", page.read_text("utf-8"))):
        if not re.match(r"[a-z]+:", link["to"]):
            yield link["to"]


def anchors(page: Path) -> set[str]:
    """The fragments that the headings of a page make, as Markdown renderers do."""
    titles = (match["text"].lower().replace("`", "") for match in _HEADING.finditer(_CODE.sub("", page.read_text())))
    return {re.sub(r"[^\w\- ]", "", title).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, fragment = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), f"{name_of(page)}: {link} leads nowhere"
        if page.is_relative_to(SITE):
            assert target.is_relative_to(SITE), f"{name_of(page)}: {link} is not on the site"
        assert not fragment or fragment in anchors(target), f"{name_of(page)}: {link}: no such heading"


def test_every_page_of_the_site_is_in_the_navigation() -> None:
    nav = yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text("utf-8"))["nav"]
    listed = [
        path for part in nav for value in part.values() for path in ([value] if isinstance(value, str) else value)
    ]
    assert sorted(listed) == sorted(page.relative_to(SITE).as_posix() for page in SITE.rglob("*.md"))


def test_decisions_are_listed_and_short() -> None:
    listed = set(links(SITE / "decisions" / "index.md"))
    assert listed == {page.name for page in DECISIONS if page.name != "index.md"}
    for page in DECISIONS:
        assert page.name == "index.md" or len(page.read_text("utf-8").splitlines()) <= 25, page.name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_is_too_long_or_too_wide(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()
    assert len(lines) <= MOST_LINES.get(page.name, 200)
    prose = _CODE.sub("", page.read_text("utf-8")).splitlines()
    assert not [line for line in prose if len(line) > 200 and not line.startswith("|")]


# --- lists are whole ---


def test_every_check_is_explained() -> None:
    assert {code: says.strip() for code, says in rows("check.md").items()} == dict(CODES)


def test_every_query_field_is_explained() -> None:
    fields = {name: rest for name, rest in rows("search.md").items() if name in FIELDS}
    assert set(fields) == set(FIELDS)
    for name, rest in fields.items():
        parse(rest.rsplit("`", 2)[1])
        assert f"{name}:" in rest
        parse(EXAMPLES[name].partition(" or ")[0])


def test_every_order_is_named() -> None:
    page = (SITE / "guide" / "search.md").read_text("utf-8")
    sentence = page[page.index("`--sort` takes") : page.index("several with commas")]
    assert sorted(re.findall(r"`(\w+)`", sentence)) == sorted(SORTS)


def test_every_front_matter_field_is_explained() -> None:
    assert set(FRONT_MATTER) == set(rows("paper-file.md"))


def test_every_setting_is_explained() -> None:
    assert set(Config.__dataclass_fields__) <= set(rows("site.md"))


def test_each_section_of_the_guide_names_commands_that_exist() -> None:
    known = {name for names in SECTIONS.values() for name in names}
    for page in PAGES:
        for command in re.findall(
            r"\bkb ([a-z][a-z-]+)\b", " ".join(re.findall(r"`[^`\n]+`", page.read_text("utf-8")))
        ):
            assert command in known, f"{name_of(page)}: kb {command}"


# --- what the decision about the reader says of bibtexparser ---


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("@article{a, title={T}\n year={2000}}", [{"title": "{T}\n year={2000}"}]),
        ("@ article{a, title={T}}", []),
        ("@inproceedings\n{a, title={T}}", []),
        ("@foo-bar{a, title={T}}", []),
        ('@article{a, month = jan # "~1"}', [{"month": 'jan # "~1"'}]),
        ("@article{a, title={T},\n% note\n year={2000}}", [{"title": "T", "% note\n year": "2000"}]),
    ],
)
def test_bibtexparser_is_silent(text: str, entries: list[dict[str, str]], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        library = bibtexparser.parse_string(text)
    assert [{field.key: field.value for field in entry.fields} for entry in library.entries] == entries
    assert not library.failed_blocks
    assert not caplog.records


@pytest.mark.parametrize("text", [r"@misc{a, file={C:\dir\}, title={T}}", "@article{a, title={T}, title={U}}"])
def test_bibtexparser_gives_no_entry(text: str) -> None:
    library = bibtexparser.parse_string(text)
    assert not library.entries
    assert len(library.failed_blocks) == 1


def test_bibtexparser_writes_macros_out() -> None:
    library = bibtexparser.parse_string("@string{j={Journal}}\n@article{a, journal = j}")
    assert "journal = {Journal}" in bibtexparser.write_string(library)
