"""Kinds of entries that people write without thinking of a program, one of each."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from catalog.facts import OTHERS
from catalog.ingest import parse

Said = tuple[str, tuple[str, ...], str, str, str]  # title, names, venue, year, status

KINDS: dict[str, tuple[str, Sequence[Said]]] = {
    "tasks without a bullet": (
        "Backlog\n=======\n\n[x] Tall towers of abstraction -- Mia Brandt, Oto Klein (PLDI 2014)\n"
        "[ ] Small steps, big machines -- Oto Klein (POPL 2018)\n",
        [("Tall towers of abstraction", ("Mia Brandt", "Oto Klein"), "PLDI", "2014", "read"),
         ("Small steps, big machines", ("Oto Klein",), "POPL", "2018", "unread")]),
    "Logseq's facts": (
        "- DONE [[Sparse Rivers]]\n  author:: Nina Falk\n  year:: 2018\n  venue:: ICLR\n- TODO [[Dense Lakes]]\n  author:: Per Wahl\n",
        [("Sparse Rivers", ("Nina Falk",), "ICLR", "2018", "read"), ("Dense Lakes", ("Per Wahl",), "", "", "unread")]),
    "fields in brackets": (
        "## Papers\n\n- **Harbors in Fog** [author:: Sten Pier] [year:: 2018] [venue:: KDD] [status:: done]\n"
        "- **Anchors for Drifting Ships** [author:: Lis Quay, Sten Pier] [year:: 2022] [venue:: ICDM]\n",
        [("Harbors in Fog", ("Sten Pier",), "KDD", "2018", "read"),
         ("Anchors for Drifting Ships", ("Lis Quay", "Sten Pier"), "ICDM", "2022", "")]),
    "surnames first in two scripts": (
        "- Сидорова Е. В., Орлов Н. П. Тихие алгоритмы. Доклады, 2012.\n- Жуков А. Карты и территории. Вестник, 2019.\n"
        "- Field, K. A short walk on graphs. Phys. Rev. E 99, 012301 (2019). [doi](https://doi.org/10.1103/P.99)\n",
        [("Тихие алгоритмы", ("Сидорова Е. В.", "Орлов Н. П."), "Доклады", "2012", ""),
         ("Карты и территории", ("Жуков А.",), "Вестник", "2019", ""),
         ("A short walk on graphs", ("Field, K.",), "Phys. Rev. E", "2019", "")]),
    "works of a schedule": (
        "| Date | Topic | Required reading | Optional |\n|---|---|---|---|\n| Jan 9 | Kickoff | | |\n"
        "| Jan 16 | Logs | [Append Only Dreams](https://dl.acm.org/doi/10.5555/2.1) (Ruiz and Holm, OSDI '12), "
        "[Compaction at Night](https://dl.acm.org/doi/10.5555/2.2) (Frost et al., FAST '15) | "
        "[Trees of Logs](https://dl.acm.org/doi/10.5555/2.3) (Berg, 1999) |\n",
        [("Append Only Dreams", ("Ruiz", "Holm"), "OSDI", "2012", ""), ("Compaction at Night", ("Frost",), "FAST", "2015", ""),
         ("Trees of Logs", ("Berg",), "", "1999", "")]),
    "headings with names and a month": (
        "## Grids and Groves (Anna Lind, Bo Ek: May 2019)\nA note.\n\n## The Last Ferry (Eli Foss: October 2020)\nAnother.\n",
        [("Grids and Groves", ("Anna Lind", "Bo Ek"), "", "2019-05", ""), ("The Last Ferry", ("Eli Foss",), "", "2020-10", "")]),
    "headings behind bullets": (
        "+ #### Growing\n  - 2017 | Leaves in Order | Ambika Rao, et al. | ICDM | [`PDF`](https://arxiv.org/pdf/1706.00327)\n"
        "  - 2016 | Roots at Random | Udo Kern | NIPS | [`PDF`](https://arxiv.org/pdf/1606.00328)\n",
        [("Leaves in Order", ("Ambika Rao",), "ICDM", "2017", ""), ("Roots at Random", ("Udo Kern",), "NIPS", "2016", "")]),
    "citations within a label": (
        "* [On the noise of quiet networks. Pascal et al., ICML 2013.](https://arxiv.org/abs/1301.00001)\n"
        "* [Counting with recurrent sheep. Marr et al., ACL 2015.](https://arxiv.org/abs/1501.00002)\n",
        [("On the noise of quiet networks", ("Pascal",), "ICML", "2013", ""),
         ("Counting with recurrent sheep", ("Marr",), "ACL", "2015", "")]),
    "signs that a legend explains": (
        "🟢 = read, 🟡 = in progress\n\n- 🟢 Pears in Pairs. Uma Pitt. WACV 2020. https://arxiv.org/abs/2001.00311\n"
        "- 🟡 Plum Trees by Night. Vik Stem. BMVC 2021. https://arxiv.org/abs/2101.00312\n",
        [("Pears in Pairs", ("Uma Pitt",), "WACV", "2020", "read"),
         ("Plum Trees by Night", ("Vik Stem",), "BMVC", "2021", "reading")]),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_an_everyday_kind_is_read(kind: str) -> None:
    text, wanted = KINDS[kind]
    found = [
        (
            draft.title,
            tuple(name for name in draft.authors if name != OTHERS),
            draft.venue,
            draft.date or str(draft.year or ""),
            draft.status.value if draft.status else "",
        )
        for draft in parse(text, "list.md").drafts
    ]
    assert found == list(wanted)
