"""The shapes in which people keep reading lists, and the dirt in them: taken, repaired and reported, never dropped."""

from __future__ import annotations

import textwrap

import pytest

from catalog.ingest import read_source
from catalog.ingest.draft import Draft, Source
from catalog.ingest.readinglist import read
from catalog.models import Status


def source(text: str) -> Source:
    return read(textwrap.dedent(text).strip("\n") + "\n", "list.md")


def one(text: str) -> Draft:
    drafts = source(text).drafts
    assert len(drafts) == 1, drafts
    return drafts[0]


def codes(text: str) -> dict[str, str]:
    return {finding.code: finding.kind for finding in source(text).findings}


def links(draft: Draft) -> list[tuple[str, str, str]]:
    return [(link.name, link.url, link.label) for link in draft.links]


SECTION = "paper link: [here](https://arxiv.org/abs/2101.00001)\n"


@pytest.mark.parametrize(
    ("heading", "title", "status"),
    [
        ("#### Sparse Birds [`READ`]", "Sparse Birds", Status.read),
        ("## Sparse Birds ['READ']", "Sparse Birds", Status.read),
        ("### Sparse Birds [UNREAD]", "Sparse Birds", Status.unread),
        ("#Sparse Birds", None, None),
        ("##Sparse Birds (read)", "Sparse Birds", Status.read),
        ("## Sparse Birds **READ**", "Sparse Birds", Status.read),
        ("## [x] Sparse Birds", "Sparse Birds", Status.read),
        ("## [ ] Sparse Birds", "Sparse Birds", Status.unread),
        ("## Sparse Birds ✅", "Sparse Birds", Status.read),
        ("## Sparse Birds [`READING`]", "Sparse Birds", Status.reading),
        ("## Sparse Birds [TO READ]", "Sparse Birds", Status.unread),
        ("## Sparse Birds [TODO]", "Sparse Birds", Status.unread),
        ("## Sparse Birds", "Sparse Birds", None),
        ("## 3. **Sparse** `Birds` ##", "Sparse Birds", None),
        ("Sparse Birds [READ]\n=====", "Sparse Birds", Status.read),
        ("Sparse Birds\n-----", "Sparse Birds", None),
        ("## A\\* Birds &amp; Co", "A* Birds & Co", None),
        ("## A* search for birds", "A* search for birds", None),
        ("## [Sparse Birds](https://arxiv.org/abs/2101.00001)", "Sparse Birds", None),
    ],
)
def test_headings_as_titles(heading: str, title: str | None, status: Status | None) -> None:
    drafts = read(f"{heading}\n\n{SECTION}").drafts
    assert [(d.title, d.status) for d in drafts] == ([(title, status)] if title else [])


@pytest.mark.parametrize(
    ("mark", "status"),
    [("`REDA`", Status.read), ("`RAED`", Status.read), ("`UNRAED`", Status.unread), ("UNRED", Status.unread)],
)
def test_a_misspelt_status_is_repaired_and_reported(mark: str, status: Status) -> None:
    text = f"## Birds [{mark}]\n{SECTION}"
    assert one(text).status is status
    assert codes(text)["status"] == "repaired"


@pytest.mark.parametrize("bracket", ["Oral", "REAL", "RAG", "ROAD", "`RAG`"])
def test_a_bracket_that_is_no_status_goes_to_the_notes(bracket: str) -> None:
    text = f"## Birds [{bracket}] [`READ`]\n{SECTION}"
    draft = one(text)
    assert (draft.title, draft.status) == ("Birds", Status.read)
    assert bracket in draft.notes
    assert codes(text)["heading-bracket"] == "kept"


@pytest.mark.parametrize(
    ("heading", "tags"),
    [
        ("Parameter-Efficient Fine-Tuning (PEFT)", ("PEFT",)),
        ("Fusion in Decoder (FiD)", ("FiD",)),
        ("Large Language Models (LLMs)", ("LLMs",)),
        ("Quantization (fast)", ("Quantization (fast)",)),
        ("3.1 **Long** Context:", ("Long Context",)),
        ("🎯 Agents", ("Agents",)),
        ("Papers", ()),
        ("Reading list", ()),
        ("2023", ()),
        ("Intro", ()),
        ("Methods", ()),
        ("[Birds](#birds) <a name='x'></a>", ("Birds",)),
        ("A | B {x}", ("A B x",)),
    ],
)
def test_enclosing_headings_become_tags(heading: str, tags: tuple[str, ...]) -> None:
    assert one(f"# Zoo\n\n## {heading}\n\n### Birds\n{SECTION}").tags == tags


def test_the_whole_path_of_headings_tags_a_paper_and_its_own_tags_follow() -> None:
    draft = one(f"# Birds\n## Owls\n### Papers\n#### On Owls\ntags: `night`, owls | X Y\n{SECTION}")
    assert draft.tags == ("Owls", "night", "X Y")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("github link: [here](https://github.com/a/b)", [("code", "https://github.com/a/b", "")]),
        ("doc link: https://x.org/a_(b).", [("docs", "https://x.org/a_(b)", "")]),
        ("**Paper link**: <https://x.org/a>", [("paper", "https://x.org/a", "")]),
        ("**Paper:** [PDF](https://x.org/a)", [("paper", "https://x.org/a", "")]),
        ("- Paper: [link](https://x.org/a)", [("paper", "https://x.org/a", "")]),
        ("- Slides: [pdf](https://x.org/s.pdf)", [("slides", "https://x.org/s.pdf", "")]),
        ("paper link [here](https://x.org/a)", [("paper", "https://x.org/a", "")]),
        ("project page: [web](https://x.org/a)", [("homepage", "https://x.org/a", "")]),
        ("follow-up work: [here](https://x.org/a)", [("follow-up work", "https://x.org/a", "")]),
        ("official code: [here](https://x.org/a)", [("code", "https://x.org/a", "")]),
        (
            "model links: [7B](https://x.org/7) | [13B](https://x.org/13)",
            [("model", "https://x.org/7", "7B"), ("model", "https://x.org/13", "13B")],
        ),
        (
            "paper link: [here](https://x.org/a), [v2](https://x.org/b)",
            [("paper", "https://x.org/a", ""), ("paper", "https://x.org/b", "v2")],
        ),
        (
            "paper link: [here](https://x.org/a) | code link: [here](https://x.org/c)",
            [("paper", "https://x.org/a", ""), ("code", "https://x.org/c", "")],
        ),
        (
            "links: [paper](https://x.org/a) / [code](https://x.org/c)",
            [("paper", "https://x.org/a", ""), ("code", "https://x.org/c", "")],
        ),
        (
            "[[pdf]](https://x.org/a) [[code](https://x.org/c)] [[supp]](https://x.org/s)",
            [("paper", "https://x.org/a", ""), ("code", "https://x.org/c", ""), ("supp", "https://x.org/s", "")],
        ),
        ('paper link: [a (b)](https://x.org/a "t")', [("paper", "https://x.org/a", "a (b)")]),
        ("paper link: [here](<https://x.org/a b>)", [("paper", "https://x.org/a%20b", "")]),
        ('paper link: <a href="https://x.org/a">here</a>', [("paper", "https://x.org/a", "")]),
        ("paper link: [here][p]\n\n[p]: https://x.org/a", [("paper", "https://x.org/a", "")]),
        (
            "model links:\n- [7B](https://x.org/7)\n- [13B](https://x.org/13)",
            [("model", "https://x.org/7", "7B"), ("model", "https://x.org/13", "13B")],
        ),
        (
            "[![Code](https://img.shields.io/badge/c-x)](https://github.com/a/b)",
            [("code", "https://github.com/a/b", "")],
        ),
        ("notebook link: [here](../notebooks/a.ipynb)", [("notebook", "../notebooks/a.ipynb", "")]),
    ],
)
def test_link_lines(line: str, expected: list[tuple[str, str, str]]) -> None:
    draft = one(f"## Birds [READ]\n{line}\n")
    assert links(draft) == expected
    assert draft.notes == ""


@pytest.mark.parametrize(
    ("line", "url", "code"),
    [
        ("[here](https://arxiv.org/pdf/2101.00001.pdf)", "https://arxiv.org/pdf/2101.00001", "arxiv-pdf-suffix"),
        ("[here](https://arxiv.org/pdf/2101.00001v2.pdf%C2%A0)", "https://arxiv.org/pdf/2101.00001v2", "url-junk"),
        ("[here](https://x.org/a?trk=b)", "https://x.org/a", "tracking-parameter"),
        ("[here](https://x.org/a?q=1&utm_source=b#c)", "https://x.org/a?q=1#c", "tracking-parameter"),
        ("[here](www.x.org/a)", "https://www.x.org/a", "url-scheme"),
        ("[here](https:/x.org/a)", "https://x.org/a", "url-scheme"),
    ],
)
def test_addresses_are_mended_and_reported(line: str, url: str, code: str) -> None:
    text = f"## Birds\npaper link: {line}\n"
    assert one(text).links[0].url == url
    assert codes(text)[code] == "repaired"


def test_other_addresses_stay_as_given() -> None:
    for url in ("https://arxiv.org/abs/2101.00001v3", "https://x.org/a?reference=1", "https://x.org/A%20b.pdf"):
        assert one(f"## Birds\npaper link: [here]({url})\n").links[0].url == url


@pytest.mark.parametrize(("name", "meant"), [("papre link", "paper"), ("paper linke", "paper"), ("githb link", "code")])
def test_a_misspelt_link_name_is_repaired_and_reported(name: str, meant: str) -> None:
    text = f"## Birds [READ]\n{name}: [here](https://x.org/a)\n"
    assert links(one(text)) == [(meant, "https://x.org/a", "")]
    assert codes(text)["link-name"] == "repaired"


@pytest.mark.parametrize("line", ["github link: [here]()", "github link:", "github link: [here](#)"])
def test_a_link_without_an_address_is_left_out_and_reported(line: str) -> None:
    text = f"## Birds [READ]\n{line}\n"
    assert one(text).links == ()
    assert [(f.code, f.kind, f.line) for f in source(text).findings] == [("empty-link", "repaired", 2)]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x"])
def test_a_dangerous_link_is_kept_as_inert_text(url: str) -> None:
    text = f"## Birds [READ]\npaper link: [x]({url})\n"
    draft = one(text)
    assert draft.links == ()
    assert draft.notes == f"`[x]({url})`"
    assert codes(text)["refused-link"] == "kept"


def test_text_beside_a_link_is_kept_and_reported() -> None:
    text = "## Birds\npaper link: [here](https://x.org/a.pdf) the camera-ready one\n"
    assert one(text).notes == "the camera-ready one"
    assert codes(text)["beside-a-link"] == "kept"


def test_a_tutorial_table() -> None:
    draft = one("""
        ## Birds [READ]
        tutorial links:

        |tutorial name|public date|main-lib version|notebook link|
        |-|-|-|-|
        |tutorial_birds|2024.01|owls==0.41.3, hawks>=0.7; wings 2.1|[here](../notebooks/birds.ipynb)|
    """)
    (tutorial,) = draft.tutorials
    assert (tutorial.name, tutorial.date, tutorial.notebook) == (
        "tutorial_birds",
        "2024.01",
        "../notebooks/birds.ipynb",
    )
    assert tutorial.versions == {"owls": "0.41.3", "hawks": ">=0.7", "wings": "2.1"}
    assert draft.notes == ""


def test_another_table_in_a_paper_is_kept_verbatim_and_reported() -> None:
    table = "|model name|size|\n|-|-|\n|owl|7B|"
    text = f"## Birds [READ]\n\nmodel links:\n\n{table}\n"
    assert one(text).notes == f"model links:\n\n{table}"
    assert codes(text)["table"] == "kept"


ENTRY = "@article{owl2020,\n  title={Birds},\n  author={Owl, Ann},\n  year={2020}\n}"


@pytest.mark.parametrize(
    "block",
    [
        f"citation:\n```bibtex\n{ENTRY}\n```",
        f"citation\n\n```\n{ENTRY}\n```",
        f"**BibTeX**:\n~~~bib\n{ENTRY}\n~~~",
        ENTRY,
        f"<details><summary>BibTeX</summary>\n\n```bibtex\n{ENTRY}\n```\n\n</details>",
        f"<details>\n<summary>Citation</summary>\n<pre>\n{ENTRY}\n</pre>\n</details>",
        f"<details><summary>BibTeX</summary><pre>{ENTRY}</pre></details>",
        f"### Citation\n```bibtex\n{ENTRY}\n```",
        f"```bibtex\n{ENTRY}",
    ],
)
def test_bibtex_fenced_and_not(block: str) -> None:
    draft = one(f"## Birds\n{SECTION}\n{block}\n")
    assert draft.bibtex == ENTRY
    assert draft.notes == ""


def test_a_missing_comma_is_repaired_and_reported_with_its_line() -> None:
    text = f"## Birds\n```bibtex\n{ENTRY.replace('{Birds},', '{Birds}')}\n```\n"
    assert "title={Birds}," in one(text).bibtex
    (finding,) = (f for f in source(text).findings if f.code == "missing-comma")
    assert finding.kind == "repaired"
    assert finding.line in (4, 5)


def test_an_unclosed_fence_does_not_swallow_the_next_paper() -> None:
    text = f"## Birds\n```bibtex\n{ENTRY}\n\n## Bees [READ]\n```bibtex\n@misc{{bee, title={{Bees}}}}\n```\n"
    assert [(d.title, d.bibtex[:10]) for d in source(text).drafts] == [("Birds", "@article{o"), ("Bees", "@misc{bee,")]
    assert codes(text)["unclosed-fence"] == "repaired"


def test_a_second_entry_of_the_same_work_stays_beside_the_first() -> None:
    text = f"## Birds\n{ENTRY}\n\n@misc{{owl2, title={{{{Birds}}}}}}\n"
    draft = one(text)
    assert draft.bibtex == ENTRY + "\n\n@misc{owl2, title={{Birds}}}"
    assert codes(text)["second-entry"] == "note"


def test_a_second_entry_under_the_same_key_stays_in_the_notes() -> None:
    text = f"## Birds\n{ENTRY}\n\n@misc{{owl2020, title={{{{Birds}}}}}}\n"
    draft = one(text)
    assert draft.bibtex == ENTRY
    assert "```bibtex\n@misc{owl2020, " in draft.notes
    assert codes(text)["second-entry"] == "kept"


def test_another_work_in_a_section_becomes_a_paper_with_the_same_tags() -> None:
    text = f"# Zoo\n## Birds\ntag: `owl`\n{ENTRY}\n\n@misc{{bee, title={{On Bees}}}}\n"
    first, second = source(text).drafts
    assert (first.title, second.title) == ("Birds", "")
    assert first.tags == second.tags == ("owl",)
    assert second.bibtex == "@misc{bee, title={On Bees}}"
    assert codes(text)["other-entry"] == "note"


def test_entries_under_a_topic_become_papers() -> None:
    text = f"# Zoo\n## Flying things\n{ENTRY}\n\n@misc{{bee, title={{On Bees}}}}\n"
    assert [(d.title, d.tags) for d in source(text).drafts] == [("", ("Flying things",))] * 2


def test_everything_else_in_a_section_is_notes_in_order() -> None:
    notes = textwrap.dedent("""
        <p align="center">
          <img src="../imgs/owl.png" width="800"></img>
        </p>

        Some *prose* with [a link](other.md).

        $$
        \\begin{align}
        # not a heading
        \\end{align}
        $$

        > a quote

        - one
        - two

        ```python
        # tag: `no`
        ```
    """).strip("\n")
    draft = one(f"## Birds [READ]\n\n{SECTION}\n{notes}\n")
    assert draft.notes == notes


def test_facts_the_exporter_writes_are_read_back_and_others_are_kept() -> None:
    draft = one(
        "## Birds [READ]\nkey: owl2020\nadded: 2024-01-02\nread: 2024-02-03\ndue: 2024-03-04\naliases: a1, `b 2`\n"
    )
    assert (draft.key, str(draft.added), str(draft.read), str(draft.due)) == (
        "owl2020",
        "2024-01-02",
        "2024-02-03",
        "2024-03-04",
    )
    assert draft.aliases == ("a1", "b 2")
    text = "## Birds [READ]\nread: twice, with joy\n"
    assert one(text).notes == "read: twice, with joy"
    assert codes(text)["label"] == "kept"


def test_a_sub_heading_that_is_no_paper_belongs_to_the_paper() -> None:
    text = f"## Birds [READ]\n{SECTION}\n### Remarks\nGood.\n\n### Bees [READ]\n"
    first, second = source(text).drafts
    assert first.notes == "### Remarks\nGood."
    assert (second.title, second.tags) == ("Bees", ())


def test_nothing_is_split_inside_code_comments_or_maths() -> None:
    text = "## Birds [READ]\n```\n## Not [READ]\n```\n<!--\n## Nor [READ]\n-->\n$$\n## Neither\n$$\n"
    assert one(text).title == "Birds"


@pytest.mark.parametrize(
    ("item", "title", "status", "expected", "notes"),
    [
        (
            "- **On Birds** (2015), A. Owl et al. [[pdf]](https://x.org/a.pdf)",
            "On Birds",
            None,
            [("paper", "https://x.org/a.pdf", "")],
            "",
        ),
        (
            "* [On Birds](https://arxiv.org/abs/2101.00001) - A. Owl, ICML 2020. [code](https://github.com/a/b)",
            "On Birds",
            None,
            [("paper", "https://arxiv.org/abs/2101.00001", ""), ("code", "https://github.com/a/b", "")],
            "",
        ),
        (
            "- [x] [On Birds](https://arxiv.org/abs/2101.00001)",
            "On Birds",
            Status.read,
            [("paper", "https://arxiv.org/abs/2101.00001", "")],
            "",
        ),
        (
            "- [ ] [On Birds](https://arxiv.org/abs/2101.00001)",
            "On Birds",
            Status.unread,
            [("paper", "https://arxiv.org/abs/2101.00001", "")],
            "",
        ),
        (
            "1. On Birds: https://arxiv.org/abs/2101.00001 (2018)",
            "On Birds",
            None,
            [("paper", "https://arxiv.org/abs/2101.00001", "")],
            "",
        ),
        (
            "- On Birds and Bees, ICCV 2017. [[Paper]](https://x.org/a.pdf)",
            "On Birds and Bees",
            None,
            [("paper", "https://x.org/a.pdf", "")],
            "",
        ),
        (
            '- A. Owl, B. Hawk. "On Birds and Bees." ICCV (2017). [[pdf]](https://x.org/a.pdf)',
            "On Birds and Bees",
            None,
            [("paper", "https://x.org/a.pdf", "")],
            "",
        ),
        (
            "[7] Ann Owl, Ben Hawk. Birds of Prey. CVPR 2020. [[Paper]](https://x.org/a.pdf)",
            "Birds of Prey",
            None,
            [("paper", "https://x.org/a.pdf", "")],
            "",
        ),
        (
            "- [OWL] On Birds, TPAMI'2019 [[pdf]](https://x.org/a.pdf) [code]",
            "On Birds",
            None,
            [("paper", "https://x.org/a.pdf", "")],
            None,
        ),
        (
            "- ✅ [On Birds](https://doi.org/10.1/x)",
            "On Birds",
            Status.read,
            [("paper", "https://doi.org/10.1/x", "")],
            "",
        ),
        (
            "- [On Birds](https://doi.org/10.1/x) [`READ`]",
            "On Birds",
            Status.read,
            [("paper", "https://doi.org/10.1/x", "")],
            "",
        ),
    ],
)
def test_list_items(
    item: str, title: str, status: Status | None, expected: list[tuple[str, str, str]], notes: str | None
) -> None:
    draft = one(f"# Zoo\n\n## Owls\n\n{item}\n")
    assert (draft.title, draft.status, links(draft)) == (title, status, expected)
    assert draft.tags == ("Owls",)
    assert notes is None or draft.notes == notes


def test_what_is_nested_below_an_item_belongs_to_it() -> None:
    draft = one("""
        - **On Birds** [[pdf]](https://x.org/a.pdf)
          - Code: [github](https://github.com/a/b)
          - Summary: they fly.

          ```bibtex
          @misc{owl, title={On Birds}}
          ```
    """)
    assert [link.name for link in draft.links] == ["paper", "code"]
    assert draft.notes == "- Summary: they fly."
    assert draft.bibtex == "@misc{owl, title={On Birds}}"


def test_an_item_that_heads_a_group_is_a_tag() -> None:
    draft = one("# Zoo\n- **Night birds**\n  - [On Owls](https://arxiv.org/abs/2101.00001)\n")
    assert (draft.title, draft.tags) == ("On Owls", ("Night birds",))


def test_blog_posts_among_papers_are_taken_too() -> None:
    text = """
        # Zoo
        - [On Owls](https://arxiv.org/abs/2101.00001)
        - [On Hawks](https://arxiv.org/abs/2101.00002)
        - [Birds, illustrated](https://birds.example.org/post)
    """
    assert [d.title for d in source(text).drafts] == ["On Owls", "On Hawks", "Birds, illustrated"]


def test_tables_of_papers() -> None:
    text = """
        # Zoo
        | Title | Venue | Date | Code |
        |:--|:-:|:-:|--:|
        | [**On Owls**](https://doi.org/10.1/x) | ICML | 2020 | [![S](https://shields.io/x)](https://github.com/a/b) |
        | On Hawks | - | 2021 | - |
    """
    owls, hawks = source(text).drafts
    assert (owls.title, owls.venue, owls.year, owls.notes) == ("On Owls", "ICML", 2020, "")
    assert links(owls) == [("paper", "https://doi.org/10.1/x", ""), ("code", "https://github.com/a/b", "")]
    assert (hawks.title, hawks.year, hawks.notes, hawks.links) == ("On Hawks", 2021, "", ())


def test_a_weekly_table_of_papers_and_links() -> None:
    draft = one("""
        | **Paper** | **Links** |
        | --- | --- |
        | 1) **OWL** - Extends [an idea](https://x.org/i). | [Paper](https://doi.org/10.1/x), [Tweet](https://x.com/a) |
    """)
    assert draft.title == "OWL"
    assert links(draft) == [("paper", "https://doi.org/10.1/x", ""), ("tweet", "https://x.com/a", "")]
    assert draft.notes == "Extends [an idea](https://x.org/i)."


def test_news_about_the_list_are_no_papers() -> None:
    text = """
        # Zoo
        ## News
        - [2024-01-01] We released [our survey](https://arxiv.org/abs/2401.00001)!
        ## Owls
        **[On Owls](https://arxiv.org/abs/2101.00001)** <br>
        *A. Owl* <br>
        ICML 2023. [[Code](https://github.com/a/b)]
    """
    draft = one(text)
    assert (draft.title, draft.authors, draft.venue, draft.year) == ("On Owls", ("A. Owl",), "ICML", 2023)
    assert [link.name for link in draft.links] == ["paper", "code"]


def test_prose_outside_any_paper_is_reported_with_its_line() -> None:
    text = f"# Zoo\n*All about birds.*\n\n## Contents\n* [Owls](#owls)\n\n## Owls\nThey hoot.\n\n### On Owls\n{SECTION}"
    found = [(f.line, f.kind) for f in source(text).findings if f.code == "outside-a-paper"]
    assert found == [(2, "note"), (8, "note")]


def test_a_page_without_papers_gives_none_and_says_so() -> None:
    text = """
        # birdtool
        A tool. Docs: https://birds.readthedocs.io

        ## Install
        - [Python](https://python.org)
        - [ ] write more tests

        ```
        pip install birdtool
        ```

        | Option | Default |
        |-|-|
        | a | b |
    """
    read = read_source("list.md", textwrap.dedent(text).encode())
    assert read.drafts == ()
    assert [(f.code, f.kind) for f in read.findings if f.kind != "note"] == [("no-papers", "rejected")]


def test_the_same_title_twice_is_two_drafts() -> None:
    text = f"# A\n## Birds [READ]\n{SECTION}\n# B\n## Birds [UNREAD]\n{SECTION}"
    assert [(d.title, d.status) for d in source(text).drafts] == [("Birds", Status.read), ("Birds", Status.unread)]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "- " + "[a](" * 20_000,
        "`" + "a`" * 50_000,
        "#" + " " * 100_000 + "b",
        "@a{b,\n" * 5_000,
        "$$ x\n\n" * 20_000,
        "<!-- x\n" * 20_000,
        "- " + '"abcdefgh ' * 10_000,
        "#### a" + "_" * 50_000 + "b [READ]",
        "- " + "*a " * 30_000,
        "| a " * 20_000 + "\n|-|-|\n",
    ],
)
def test_hostile_text_is_read_in_time(text: str) -> None:
    assert read(text) is not None


def test_links_nested_below_entries_belong_to_the_entries_not_to_the_heading() -> None:
    drafts = source("""
        ## Birds

        - **Sparse Birds: a survey of few feathers**
          - Paper: https://arxiv.org/abs/2101.00001
          - Code: <https://github.com/a/b>
          - Status: read
        - **Dense Birds** (Conf 2021)
          - [Paper](https://arxiv.org/abs/2101.00002) | [Code](https://github.com/a/c)
            ```bibtex
            @misc{dense, title={Dense Birds}, author={A. B.}}
            ```
        """).drafts
    assert [(draft.title, draft.status) for draft in drafts] == [
        ("Sparse Birds: a survey of few feathers", Status.read),
        ("Dense Birds", None),
    ]
    assert [[link.name for link in draft.links] for draft in drafts] == [["paper", "code"]] * 2
    assert [draft.tags for draft in drafts] == [("Birds",)] * 2
    assert drafts[1].bibtex.startswith("@misc{dense")


@pytest.mark.parametrize("level", ["#", "##"])
def test_a_heading_that_names_what_a_paper_comes_with_belongs_to_the_paper(level: str) -> None:
    draft = one(f"""
        {level} Sparse Birds [READ]

        {SECTION}
        {level}# Tutorials

        | Tutorial | Library version | Notebook |
        |---|---|---|
        | first | peft 0.4 | [nb](a.ipynb) |
        """)
    assert [tutorial.name for tutorial in draft.tutorials] == ["first"]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("Hu, E. J., Shen, Y., ... & Chen, W. (2021). Low birds: A study. *arXiv preprint arXiv:2101.1*. "
         "https://arxiv.org/abs/2101.00001", "Low birds: A study"),
        ("O'Neill, C., & Ruiz, G. (2020, May 4). *Birds of math: How they fly*. Crown. https://doi.org/10.1000/x",
         "Birds of math: How they fly"),
        ("Vaswani, A., et al. (2017). Do birds need attention? In *Advances in Birds* (pp. 1-2).",
         "Do birds need attention?"),
        ("He, K. & Sun, J. (2016). Deep v2.0 birds. [PDF](https://arxiv.org/pdf/2101.00001)", "Deep v2.0 birds"),
    ],
)  # fmt: skip
def test_references_in_the_style_of_apa(line: str, title: str) -> None:
    draft = one(f"# Papers\n\n1. {line}\n")
    assert draft.title == title
    assert draft.year > 2000 or draft.date > "2000"
    assert draft.authors[0].split(",")[0] == line.split(",")[0]


@pytest.mark.parametrize(
    ("marks", "after", "status", "notes"),
    [("✅", "🔥🔥", Status.read, "🔥🔥"), ("🔲", "⭐⭐⭐", Status.unread, ""), ("📖", "", None, ""),
     ("✔️", "", Status.read, "")],
)  # fmt: skip
def test_emoji_around_an_item(marks: str, after: str, status: Status | None, notes: str) -> None:
    draft = one(f"- {marks} [Birds](https://arxiv.org/abs/2101.00001) {after}\n")
    assert (draft.title, draft.status, draft.notes) == ("Birds", status, notes)


def test_a_struck_title_leaves_no_marks_that_would_open_a_fence() -> None:
    draft = one("- ~~[Old birds are gone](https://arxiv.org/abs/2101.00001)~~\n")
    assert (draft.title, draft.notes) == ("Old birds are gone", "")


def test_bibtex_below_what_is_no_paper_is_taken() -> None:
    drafts = source("""
        ## Birds

        <details>
        <summary><b>Sparse Birds</b></summary>

        [Paper](https://example.org/p)

        ```
        @misc{sparse, title={Sparse Birds}, author={A. B.}}
        ```
        </details>
        """).drafts
    assert [draft.bibtex[:13] for draft in drafts] == ["@misc{sparse,"]


@pytest.mark.parametrize("margin", ["> ", "    ", "\t"])
def test_bibtex_in_a_quote_or_indented_is_taken_without_its_margin(margin: str) -> None:
    entry = "@misc{sparse,\n  title={Sparse Birds},\n  author={A. B.}\n}"
    quoted = "\n".join(margin + line for line in entry.split("\n"))
    drafts = read(f"## Sparse Birds [READ]\n\n{quoted}\n").drafts
    assert [draft.bibtex for draft in drafts] == [entry]


def test_how_far_text_outside_papers_goes_is_told() -> None:
    text = "# L\n\nPlain prose.\n\nMore of it.\n\nThe end.\n\n## Birds [READ]\n\nx\n"
    assert "'Plain prose.' and 2 more lines, up to line 7" in str(read(text, "l.md").findings[0])


def test_an_address_outside_any_paper_is_reported() -> None:
    found = source("# L\n\n- <https://example.org/a>\n\n## Birds [READ]\n\nx\n").findings
    assert [(finding.code, finding.line) for finding in found] == [("outside-a-paper", 3)]


@pytest.mark.parametrize("head", ["✅", "✔", "✔️", "Read?"])
def test_a_column_of_ticks_gives_the_status(head: str) -> None:
    table = f"| {head} | Title | PDF |\n|---|---|---|\n| ✅ | Deep birds | [pdf](https://arxiv.org/abs/2101.00001) |\n"
    draft = one(f"# L\n\n{table}")
    assert (draft.status, draft.notes) == (Status.read, "")


@pytest.mark.parametrize(("word", "status"), [("read", Status.read), ("UNREAD", Status.unread), ("bread", None)])
def test_a_status_in_backticks_at_the_end_of_an_item(word: str, status: Status | None) -> None:
    draft = one(f"- [Deep birds](https://arxiv.org/abs/2101.00001) `{word}`\n")
    assert (draft.status, draft.notes) == (status, "" if status else f"`{word}`")
