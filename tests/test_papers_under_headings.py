"""A heading is the title of a paper where what stands below it is only whose it is, where it appeared, and links."""

from __future__ import annotations

from itertools import product

import pytest

from catalog.ingest import read_source

PAPERS = (
    ("Rivers That Remember: Memory in Streams", "Ada Quist, Bo Lund", "Ada Quist", "ICML 2021"),
    ("Why Do Bells Ring in the Fog?", "Cy Marsh, Di Holm and Ed Falk", "Cy Marsh", "NeurIPS 2020"),
    ("Lanterns by the Shore, Revisited", "Eve Roth and Max Orr", "Eve Roth", "ICLR 2018"),
)
HEADS = ("### {}", "## **{}**", "#### *{}*", '### "{}"', "**{}**")
BODIES = (
    "{names} · {venue} · [arXiv]({url})",
    "*{names}*\n[[paper]({url})] [[code](https://github.com/q/r)]\n{venue}",
    "{names}\n\n**{venue}**\n\n[PDF]({url})",
    "> {names}, {venue}",
    "> *{names}* | ({venue}) | {url}",
    "- {names}\n- {venue}\n- {url}",
)


def _list(head: str, body: str) -> str:
    blocks = []
    for n, (title, names, _, venue) in enumerate(PAPERS):
        said = body.format(names=names, venue=venue, url=f"https://arxiv.org/abs/2101.0000{n}")
        blocks.append(f"{head.format(title)}\n\n{said}\n")
    return "# Papers\n\n" + "\n".join(blocks)


@pytest.mark.parametrize(("head", "body"), [*product(HEADS, BODIES)])
def test_a_heading_above_a_credit_is_a_title(head: str, body: str) -> None:
    drafts = list(read_source("list.md", _list(head, body).encode(), {}).drafts)
    assert [draft.title for draft in drafts] == [title for title, *_ in PAPERS]
    assert [draft.authors[:1] for draft in drafts] == [(first,) for _, _, first, _ in PAPERS]
    assert [f"{draft.venue} {draft.year or draft.date[:4]}" for draft in drafts] == [venue for *_, venue in PAPERS]


def test_one_name_may_be_a_title_and_then_the_heading_is_a_topic() -> None:
    topics = "## Images\n\nSegment Anything. ICCV 2023 [[pdf](https://arxiv.org/abs/2304.02643)]\n\n## Speech\n\n" + (
        "Robust Speech Recognition via Weak Supervision. ICML 2023 [[pdf](https://arxiv.org/abs/2212.04356)]\n"
    )
    titles = [draft.title for draft in read_source("list.md", topics.encode(), {}).drafts]
    assert titles == ["Segment Anything", "Robust Speech Recognition via Weak Supervision"]
    bylines = (
        "## [Bells](https://arxiv.org/abs/2101.00001)\n\nCy Marsh, ICML 2020\n\n## Rivers\n\nAda Quist, Bo Lund\n\n"
        + ("## Lanterns\n\nEve Roth, Max Orr, ICLR 2018\n\n## Shores\n\nDi Holm, ICML 2019\n")
    )
    titles = [draft.title for draft in read_source("list.md", bylines.encode(), {}).drafts]
    assert titles == ["Bells", "Rivers", "Lanterns", "Shores"]
