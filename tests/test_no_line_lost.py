"""No line of a list is neither in its papers nor in the report."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.ingest import Source, parse

LINES = st.sampled_from([
    "- [Nets of zzNN that learn](https://arxiv.org/abs/2101.000NN)",
    "- **Nets of zzNN** Ada Quist, Bo Lund. ICML 2021 [[pdf](https://arxiv.org/pdf/2101.000NN)]",
    "- zzNN is a remark of somebody about something.",
    "  - zzNN below it, with a [link](https://example.org/zzNN)",
    "- [ ] zzNN to be read",
    "Some words about zzNN and how it came.",
    "**Bold zzNN**",
    "## Topic zzNN",
    "### Nets of zzNN with a [paper](https://arxiv.org/abs/2102.000NN)",
    "> a quotation of zzNN",
    "code: https://github.com/a/zzNN",
    "Venue: Journal of zzNN",
    "| [Nets in a row zzNN](https://arxiv.org/abs/2103.000NN) | zzNN | 2021 |",
    "| Title | Venue | Year |\n|---|---|---|\n| [Nets zzNN](https://arxiv.org/abs/2104.000NN) | ICML | 2021 |",
    "<details><summary>More of zzNN</summary>",
    "</details>",
    "```\nsome code of zzNN\n```",
    "$$ zzNN $$",
    "<!-- a comment on zzNN -->",
    "1. Quist, A. (2021). zzNN by number. Journal of Nets, 3(2).",
    "",
    "",
])  # fmt: skip


def held(source: Source) -> str:
    return " ".join(map(repr, source.drafts)) + " ".join(
        text for path, text in source.sections for text in (*path, text)
    )


def told(source: Source) -> set[int]:
    """The lines of which the report speaks."""
    found: set[int] = set()
    for one in source.findings:
        last = re.search(r"up to line (\d+)", one.message)
        found |= set(range(one.line, int(last[1]) + 1 if last else one.line + 1))
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(LINES, min_size=1, max_size=14))
def test_no_line_is_lost(chosen: list[str]) -> None:
    numbered = (line.replace("zzNN", f"zz{chr(97 + n)}q").replace("NN", f"{n:02}") for n, line in enumerate(chosen))
    text = "# A list\n\n" + "\n".join(numbered)
    source = parse(text, "list.md")
    have, lines = held(source), told(source)
    words = " ".join(f"{one.message} {one.remedy}" for one in source.findings)
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(("## ", "**", "<details", "<!--")):
            continue  # a topic without papers, or a comment, is no content
        for token in re.findall(r"zz[a-z]q", line):
            assert token in have or token in words or number in lines, f"line {number}: {line!r} is lost in {text!r}"
