"""The map: families out of notes, which paper builds on which, reading over time; text of strangers stays text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from support import known
from test_site_browser import ATTACKS

from catalog.pages import SiteOptions, render
from catalog.pages.lineage import builds_on, family, reading

TREE = """Some words.

- Additive: new numbers
  - [One](a2020.md), by others
  - [Two](b2021.md)
- Selective
  - Masks
    - [Three](c2022.md): the last
- [Four](d2019.md)
"""


def papers() -> dict[str, object]:
    survey = known("s2023", "A Survey: of methods", year=2023, notes=TREE, cites=("a2020", "b2021", "c2022", "d2019"))
    made = [known(f"{c}{y}", f"Paper {c}", year=y, added=f"20{y % 100}-0{n + 1}-05", cites=()) for n, (c, y) in enumerate(
        (("a", 2020), ("b", 2021), ("c", 2022), ("d", 2019)))]  # fmt: skip
    made[2] = known("c2022", "Paper c", year=2022, cites=("a2020", "b2021", "c2022", "s2023", "gone"))
    return {one.key: one for one in (survey, *made)}


def test_a_nested_list_that_leads_to_papers_is_a_family_tree() -> None:
    every = papers()
    tree = family(every["s2023"], every)
    assert tree is not None
    assert [(one.says, one.key, [below.says for below in one.below]) for one in tree.below] == [
        ("Additive", "", ["One, by others", "Two"]), ("Selective", "", ["Masks"]), ("Four", "d2019", []),
    ]  # fmt: skip
    assert list(tree.keys()) == ["s2023", "a2020", "b2021", "c2022", "d2019"]
    assert (
        family(known("x", notes="- [a](a2020.md)\n- [b](b2021.md)", cites=("a2020", "b2021", "c2022")), every) is None
    )


def test_papers_build_on_older_ones_that_they_lead_to() -> None:
    assert builds_on(papers()) == [("c2022", "a2020"), ("c2022", "b2021")]


def test_reading_is_counted_by_the_month() -> None:
    days = (("2026-01-03", "2026-03-01"), ("2026-01-09", ""), ("2026-03-02", "2026-03-09"), ("", ""))
    made = [known(f"k{n}", added=added, read=read) for n, (added, read) in enumerate(days)]
    assert reading(made) == [("2026-01", 2, 0), ("2026-03", 3, 2)]


def test_pictures_lead_to_papers_and_say_the_same_as_text() -> None:
    page = str(render(list(papers().values()), SiteOptions())["map.md"])
    drawn, told = (set(re.findall(r'href="(papers/[^"]*)"', part)) for part in (
        "".join(re.findall(r"<svg.*?</svg>", page)), re.sub(r"<svg.*?</svg>", "", page)))  # fmt: skip
    assert drawn <= told
    assert drawn == {f"papers/{key}.html" for key in ("a2020", "b2021", "c2022", "d2019")}
    assert "map.md" not in render([known("alone")], SiteOptions())


def test_what_strangers_write_is_text_in_pictures_too() -> None:
    for attack in ATTACKS[::5]:
        line = " ".join(attack.split())
        notes = f"- {line}\n  - [{line}](a.md)\n  - [b](b.md)\n  - [c](c.md)\n  - [d](d.md)\n"
        made = [known(key, f"{key} {attack}: x", year=2020, cites=("a", "b", "c")) for key in "abcd"]
        page = str(
            render([known("s", attack, notes=notes, cites=("a", "b", "c", "d")), *made], SiteOptions())["map.md"]
        )
        tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        parser = HTMLParser()
        parser.handle_starttag = lambda tag, attrs, tags=tags: tags.append((tag, attrs))
        parser.feed(page.split("---\n", 2)[2])
        assert not {tag for tag, _ in tags} & {"script", "img", "iframe", "object", "style", "form", "base"}
        values = [(name, value or "") for _, attrs in tags for name, value in attrs]
        assert not [name for name, value in values if name.startswith("on") or (name == "href" and ":" in value)]
