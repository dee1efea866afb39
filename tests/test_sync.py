"""A list that is edited elsewhere, and its papers: what both sides change, against a model of the merge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from catalog import Library
from catalog.errors import KbError
from catalog.ingest.fetch import Answer
from catalog.models import Link, Paper, Status
from catalog.sources import Client

SECTIONS = ("Models", "Data", "Uses")
WORDS = ("Sparse", "Dense", "Quiet", "Loud", "Early", "Late")
Row = dict[str, Any]  # number, title, section, read, link


def text_of(rows: list[Row]) -> str:
    lines = ["# A list of mine", ""]
    for section in SECTIONS:
        lines += [f"## {section}", ""]
        for row in rows:
            if row["section"] == section:
                box = "x" if row["read"] else " "
                lines.append(f"- [{box}] [{row['title']}]({row['link']})")
        lines.append("")
    return "\n".join(lines)


def row(number: int, section: str, read: bool) -> Row:
    title = f"{WORDS[number % 6]} networks of kind {chr(97 + number)} and how they learn"
    return {
        "number": number,
        "title": title,
        "section": section,
        "read": read,
        "link": f"https://arxiv.org/abs/2101.{number:05}",
    }


def fresh(folder: Path, rows: list[Row]) -> tuple[Library, Path, dict[int, str]]:
    library = Library.init(folder)
    path = folder / "list.md"
    path.write_text(text_of(rows))
    library.import_([(str(path), path.read_bytes())])
    keys = {int(p.links[0].url[-5:]): p.key for p in library.papers().values()}
    return library, path, keys


def follow(library: Library, path: Path, rows: list[Row], **how: Any) -> Any:
    path.write_text(text_of(rows))
    return library.sync([(str(path), path.read_bytes())], **how)


section = st.sampled_from(SECTIONS)
rows_of = st.lists(st.tuples(section, st.booleans()), min_size=2, max_size=5)
edits = st.lists(st.tuples(st.sampled_from(["title", "section", "read", "link", "remove", "add"]), st.integers(0, 4), section),
                 max_size=4)  # fmt: skip
own = st.lists(
    st.tuples(st.sampled_from(["title", "tag", "untag", "status", "link", "note"]), st.integers(0, 4)), max_size=4
)


def edit_list(rows: list[Row], changes: list[tuple[str, int, str]]) -> list[Row]:
    rows = [dict(one) for one in rows]
    for what, at, where in changes:
        if what == "add":
            rows.append(row(10 + len(rows), where, False))
            continue
        one = next((r for r in rows if r["number"] == at), None)
        if one is None:
            continue
        touched = one["link"] != row(at, where, False)["link"], one["title"] != row(at, where, False)["title"]
        if (what, True) in (("title", touched[0]), ("link", touched[1])):
            continue  # with another title and another address it is another paper
        if what == "title":
            one["title"] = one["title"].replace("how they learn", "what they learn")
        elif what == "section":
            one["section"] = where
        elif what == "read":
            one["read"] = not one["read"]
        elif what == "link":
            one["link"] = one["link"].replace("/abs/2101", "/abs/2202")
        else:
            rows.remove(one)
    return rows


def edit_paper(paper: Paper, what: str) -> Paper:
    if what == "title":
        return paper.evolve(title=f"{paper.title}, revised")
    if what == "tag":
        return paper.evolve(tags=(*dict.fromkeys((*paper.tags, "mine")),))
    if what == "untag":
        return paper.evolve(tags=tuple(tag for tag in paper.tags if tag not in SECTIONS))
    if what == "status":
        return paper.evolve(status=Status.reading)
    if what == "link":
        return paper.evolve(links=(*paper.links, Link(name="code", url="https://example.org/code")))
    return paper.evolve(notes="What I think.")


def three(base: Any, mine: Any, other: Any) -> Any:
    return other if mine == base else mine


def model(was: Row, now: Row, mine: Paper) -> tuple[str, set[str], Status, set[str]]:
    """What a paper must say: title, tags, status and addresses."""
    status = {True: Status.read, False: Status.unread}
    tags = (set(mine.tags) - {was["section"]}) | ({was["section"]} & set(mine.tags) & {now["section"]})
    tags |= {now["section"]} if now["section"] != was["section"] else set()
    urls = {link.url for link in mine.links}
    urls = (urls - {was["link"]}) | {now["link"]} if was["link"] != now["link"] else urls
    return (
        three(was["title"], mine.title, now["title"]), tags,
        three(status[was["read"]], mine.status, status[now["read"]]), urls,
    )  # fmt: skip


QUICK = (Phase.explicit, Phase.reuse, Phase.generate)  # each example takes long; a failing one is small as it is


@settings(max_examples=8, deadline=None, phases=QUICK, suppress_health_check=list(HealthCheck))
@given(start=rows_of, theirs=edits, mine=own)
def test_both_sides_change(
    start: list[tuple[str, bool]], theirs: list[Any], mine: list[Any], tmp_path_factory: Any
) -> None:
    rows = [row(n, where, read) for n, (where, read) in enumerate(start)]
    library, path, keys = fresh(tmp_path_factory.mktemp("kb"), rows)
    for what, at in mine:
        if at in keys:
            library.change(keys[at], lambda paper, what=what: edit_paper(paper, what))
    before = library.papers()
    changed = edit_list(rows, theirs)
    if not changed:
        return
    done = follow(library, path, changed)
    after = library.papers()
    now = {one["number"]: one for one in changed}
    for was in rows:
        key = keys[was["number"]]
        paper = after[key]
        if was["number"] not in now:
            assert paper == before[key]
            assert key in done.left
            continue
        said = (paper.title, set(paper.tags), paper.status, {link.url for link in paper.links})
        assert said == model(was, now[was["number"]], before[key])
        assert paper.notes == before[key].notes
        assert paper.added == before[key].added
    assert {p.title for k, p in after.items() if k not in before} == {r["title"] for r in changed if r["number"] >= 10}
    again = follow(library, path, changed)
    assert library.papers() == after
    assert not again.done.count("merged")
    assert not again.done.findings


ROWS = [row(0, "Models", False), row(1, "Data", False), row(2, "Uses", True)]


def test_what_left_goes_with_prune_alone_and_only_without_anything_of_the_readers(tmp_path: Path) -> None:
    library, path, keys = fresh(tmp_path, ROWS)
    library.note(keys[1], "I need this.")
    assert set(follow(library, path, ROWS[2:]).left) == {keys[0], keys[1]}
    done = follow(library, path, ROWS[2:], prune=True)
    assert done.pruned == (keys[0],)
    assert set(library.papers()) == {keys[1], keys[2]}
    library.undo()
    assert set(library.papers()) == set(keys.values())


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("list.md", "", "list-empty"),
        ("list.md", "# This list has moved\n\nSee elsewhere.\n", "list-empty"),
        ("list.md", "\x00" * 40, "encoding"),
        ("list.md", f"<<<<<<< ours\n{text_of(ROWS)}=======\n{text_of(ROWS[:1])}>>>>>>> theirs\n", "unsettled"),
    ],
    ids=["empty", "moved", "no text", "an open merge"],
)
def test_a_list_that_is_none_just_now_removes_nothing(tmp_path: Path, name: str, text: str, code: str) -> None:
    library, path, keys = fresh(tmp_path, ROWS)
    other = tmp_path / "other.md"
    other.write_text("# Other\n\n- [Wholly other works](https://arxiv.org/abs/2102.00001)\n")
    before = {p: p.read_bytes() for p in library.root.glob("lists/*")}
    sources = [(str(tmp_path / name), text.encode()), (str(other), other.read_bytes())]
    for _ in range(2):
        done = library.sync(sources, prune=True)
        assert (done.pruned, done.left) == ((), ())
        assert [f.code for f in done.done.findings if f.kind == "rejected"] == [code]
        assert not done.done.whole
    assert len(library.papers()) == len(keys) + 1  # the other list is followed all the same
    assert before.items() <= {p: p.read_bytes() for p in library.root.glob("lists/*")}.items()
    assert not follow(library, path, ROWS, prune=True).done.count("merged")


def test_what_stands_behind_a_list_in_a_page_is_of_no_paper(tmp_path: Path) -> None:
    library = Library.init(tmp_path)
    page = "# P\n\n<!-- kb:begin -->\n\n## Sparse networks of words\n\n[paper](https://arxiv.org/abs/2101.00001)\n\n<!-- kb:end -->\n\nBye.\n"
    library.sync([("list.md", page.encode())])
    (paper,) = library.papers().values()
    assert (paper.title, paper.notes) == ("Sparse networks of words", "")


def test_a_list_that_never_had_a_paper_says_so_each_time(tmp_path: Path) -> None:
    library = Library.init(tmp_path)
    for _ in range(2):
        assert "no-papers" in [f.code for f in library.sync([("list.md", b"# L\n\nWords.\n")]).done.findings]


def test_a_conflict_is_shown_and_the_readers_side_stays(tmp_path: Path) -> None:
    library, path, keys = fresh(tmp_path, ROWS)
    library.change(keys[0], lambda paper: paper.evolve(title="My own title"))
    done = follow(library, path, edit_list(ROWS, [("title", 0, "")]))
    assert library.paper(keys[0]).title == "My own title"
    assert [f.code for f in done.done.findings] == ["sync-conflict"]


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    library, path, _ = fresh(tmp_path, ROWS)
    files = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.suffix in (".md", ".json") and p != path}
    follow(library, path, edit_list(ROWS, [("title", 0, ""), ("remove", 1, "")]), dry_run=True)
    assert files == {p: p.read_bytes() for p in files}


def test_a_renamed_paper_is_followed_and_a_removed_one_stays_removed(tmp_path: Path) -> None:
    library, path, keys = fresh(tmp_path, ROWS)
    library.rename(keys[0], "mine2021")
    library.remove([keys[1]])
    follow(library, path, edit_list(ROWS, [("title", 0, ""), ("title", 1, "")]))
    assert library.paper("mine2021").title.endswith("what they learn")
    assert keys[1] not in library.papers()


@pytest.mark.parametrize("renamed", [False, True])
def test_a_paper_that_cannot_be_read_is_not_gone(tmp_path: Path, renamed: bool) -> None:
    library, path, keys = fresh(tmp_path, ROWS)
    key = library.rename(keys[0], "mine2021").key if renamed else keys[0]
    file = library.root / "papers" / library.file(key)
    before = file.read_bytes()
    file.write_bytes(b"---\ntags: [\n---\n")
    memory = {p: p.read_bytes() for p in library.root.glob("lists/*")}
    with pytest.raises(KbError, match=f"{file.name} is there and cannot be read"):
        follow(library, path, edit_list(ROWS, [("title", 0, ""), ("remove", 1, "")]))
    assert memory == {p: p.read_bytes() for p in library.root.glob("lists/*")}
    file.write_bytes(before)
    follow(library, path, edit_list(ROWS, [("title", 0, ""), ("remove", 1, "")]))
    assert library.paper(key).title.endswith("what they learn")


def test_a_tag_that_another_list_still_gives_stays(tmp_path: Path) -> None:
    library, path, keys = fresh(tmp_path, ROWS)
    other = tmp_path / "other.md"
    other.write_text(text_of(ROWS[:1]))
    library.sync([(str(other), other.read_bytes())])
    follow(library, path, edit_list(ROWS, [("section", 0, "Uses")]))
    assert set(library.paper(keys[0]).tags) == {"Models", "Uses"}


def test_what_left_one_of_two_lists_loses_its_tag_and_what_left_both_is_said(tmp_path: Path) -> None:
    library, path, keys = fresh(tmp_path, ROWS)
    other = tmp_path / "other.md"
    texts = [text_of(edit_list(ROWS, [("section", 0, "Uses"), ("section", 1, "Uses")])), text_of(ROWS[2:])]
    library.sync([(str(other), texts[0].encode())])
    assert set(library.paper(keys[0]).tags) == {"Models", "Uses"}
    done = follow(library, path, ROWS[1:], prune=True)
    assert (library.paper(keys[0]).tags, done.left, done.pruned) == (("Uses",), (), ())
    both = [(str(path), text_of(ROWS[2:]).encode()), (str(other), texts[1].encode())]
    assert set(library.sync(both).left) == {keys[0], keys[1]}
    assert set(library.sync(both, prune=True).pruned) == {keys[0], keys[1]}


def test_the_order_of_the_list_is_an_order_of_papers(tmp_path: Path) -> None:
    library, path, keys = fresh(tmp_path, ROWS)
    follow(library, path, ROWS[::-1])  # the sections keep their order
    assert [line.key for line in library.lines(sort="list").papers] == [keys[0], keys[1], keys[2]]
    follow(library, path, [row(7, "Models", False), *ROWS])
    titles = [line.title for line in library.lines(sort="list").papers]
    assert titles[0] == row(7, "Models", False)["title"]
    memory = json.loads((tmp_path / "lists" / "list.json").read_text())
    assert memory["path"] == "list.md"
    assert "\n".join(memory["text"]) == path.read_text()


def test_what_was_said_is_not_said_again(tmp_path: Path) -> None:
    library, path, _ = fresh(tmp_path, ROWS)
    path.write_text(text_of(ROWS).replace("## Models", "Some words.\n\n## Models"))
    first = library.sync([(str(path), path.read_bytes())])
    assert [f.code for f in first.done.findings] == ["outside-a-paper"]
    assert not library.import_([(str(path), path.read_bytes())]).findings


def test_a_list_at_an_address_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library.init(tmp_path / "kb")
    said = {
        "text": "# L\n\n- [Sparse networks](https://arxiv.org/abs/2101.00001) [[slides](talks/a.pdf)]\n",
        "asked": "",
    }

    def ask(url: str, **_: Any) -> Answer:
        said["asked"] = url
        return Answer(200, url, said["text"], data=said["text"].encode(), content_type="text/plain")

    monkeypatch.setattr(Library, "client", lambda *_, **__: Client(ask, sleep=lambda _: None))
    place, data = library.list_at("https://github.com/quist/lists")
    assert said["asked"] == "https://raw.githubusercontent.com/quist/lists/HEAD/README.md"
    (change,) = library.import_([(place, data)]).changes
    assert library.followed() == [place] == ["https://github.com/quist/lists/blob/HEAD/README.md"]
    links = [link.url for link in library.papers()[change.key].links]
    assert links == ["https://arxiv.org/abs/2101.00001", "https://github.com/quist/lists/blob/HEAD/talks/a.pdf"]
    said["text"] = (
        said["text"].replace("- [Sparse networks]", "- [x] [Sparse networks of wires]")
        + "\n- [x] [Dense nets](https://arxiv.org/abs/2101.00002)\n"
    )
    library.sync([library.list_at(place)])
    assert sorted(paper.status for paper in library.papers().values()) == [Status.read, Status.read]
    gone = Client(lambda url, **_: Answer(404, url), sleep=lambda _: None)
    monkeypatch.setattr(Library, "client", lambda *_, **__: gone)
    with pytest.raises(KbError, match=r"x\.example"):
        library.list_at("https://x.example/list.md")


def test_a_list_corrects_a_title_that_an_entry_says_here_and_agrees_on_what_is_read(library: Library) -> None:
    page = b"# L\n\n## Lamps\n\n- [{}Lamps at sea](https://arxiv.org/abs/1903.00001), Ada Quist\n"
    library.sync([("list.md", page.replace(b"{}", b""))])
    entry = b"@article{q19, title={Lamps at sea}, author={Quist, Ada and Rein, Bo}, year={2019}, eprint={1903.00001}}"
    library.import_([("a.bib", entry)])
    (paper,) = library.papers().values()
    assert (paper.title, paper.authors) == ("", ()), "each fact once"
    library.mark_read([paper.key])
    done = library.sync([("list.md", page.replace(b"- [{}", b"- [x] [Old "))]).done
    assert not done.findings
    (paper,) = library.papers().values()
    assert paper.title == "Old Lamps at sea"
