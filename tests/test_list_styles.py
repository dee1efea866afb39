"""Styles of entry that whole public lists are written in, a few invented lines of each, and what must come of them."""

from __future__ import annotations

import pytest

from catalog.ingest import Draft, parse

STYLES = {
    "a bold title, a semicolon, names, and nothing else": (
        "# Trust\n\n## Survey\n- **Tides in Language Models: A Survey;** Ada Quist et al\n"
        "- **Harbours that Forget;** Bo Lund, Cy Marsh\n- **Unsolved Problems of Salt Water;** Dee Holm et al\n",
        [("Tides in Language Models: A Survey", ("Ada Quist", "others"), ""),
         ("Harbours that Forget", ("Bo Lund", "Cy Marsh"), ""),
         ("Unsolved Problems of Salt Water", ("Dee Holm", "others"), "")],
    ),
    "German quotation marks, a year after the name, books among them": (
        "# Gelesen\n\n## Bücher\n+ Ada Quist (2019): _Die Flut. Eine Einführung_, Kiel: Nord.\n"
        "+ Bo Lund, and Cy Marsh (2021): _Salz und Licht. Drei Versuche über das Meer_, Bern: Süd.\n\n"
        "## Aufsätze\n+ Dee Holm (2018): »Was ein Hafen weiß«, _Journal of Tides_ 14, 2–9.\n"
        "+ Eve Ray (2020): »Need, Equity, and Water. Evidence from a Study«, _Journal of Tides_ 16, 3–8.\n",
        [("Die Flut. Eine Einführung", ("Ada Quist",), "2019"),
         ("Salz und Licht. Drei Versuche über das Meer", ("Bo Lund", "Cy Marsh"), "2021"),
         ("Was ein Hafen weiß", ("Dee Holm",), "2018"),
         ("Need, Equity, and Water. Evidence from a Study", ("Eve Ray",), "2020")],
    ),
    "numbered titles with a year and no link": (
        "# Classics\n\n- [1] Architecture of the Harbour System, 1964\n- [2] Parallel operation in a lighthouse, 1967\n"
        "    - the first of its kind\n- [3] Very long piers and the dock machine, 1983\n",
        [("Architecture of the Harbour System", (), "1964"), ("Parallel operation in a lighthouse", (), "1967"),
         ("Very long piers and the dock machine", (), "1983")],
    ),
    "a table whose titles stand under “Topic”, with who presents them when": (
        "# Reading group\n\n| Date | Topic | Presenters | Year |\n|---|---|---|---|\n"
        "| 20th August, 2021 | [Tides You Only See Once](https://arxiv.org/abs/1506.00001) | Ada, Bo | 2015 |\n"
        "| 10th August 2021 | [Visualizing Salt](https://arxiv.org/abs/1311.00002) | Cy | NeurIPS 2013 |\n",
        [("Tides You Only See Once", (), "2015"), ("Visualizing Salt", (), "2013")],
    ),
    "a year before its apostrophe, a name that is no author's, numbers of rows": (
        "# Systems\n\n|   | Cite | Nickname | Paper |\n|---|---|---|---|\n"
        "| 0 | OSDI 23' | Mitos | [Fast remote harbours](https://dl.acm.org/doi/10.1145/1.1) |\n"
        "| 1 | SOSP24' | Sigma | [Unifying tides and tasks](https://dl.acm.org/doi/10.1145/1.2) |\n"
        "| 2 | ATC 20' | Faas | [Lightweight isolation of piers](https://dl.acm.org/doi/10.1145/1.3) |\n",
        [("Fast remote harbours", (), "2023"), ("Unifying tides and tasks", (), "2024"),
         ("Lightweight isolation of piers", (), "2020")],
    ),
    "initials before the year; the last without one": (
        "# Offline\n\nQuist, A., Lund, B., and Marsh, C. 2020. An optimistic view of tides. ICML.\n\n"
        "Holm, D. and Ray, E. 2019a. The curse of the pier. NeurIPS.\n\n"
        "Hart, F., Quist, A., and Lund, B. Stitched tides for harbours.\n",
        [("An optimistic view of tides", ("Quist, A.", "Lund, B.", "Marsh, C."), "2020"),
         ("The curse of the pier", ("Holm, D.", "Ray, E."), "2019"),
         ("Stitched tides for harbours", ("Hart, F.", "Quist, A.", "Lund, B."), "")],
    ),
    "titles that lead to the notes on them": (
        "# EMNLP\n\n## Dialogue\n"
        + "".join(f"* [A Method for {word} Harbours in Deep Water](https://github.com/a/b/blob/master/n/{n}/README.md)\n"
                  for n, word in enumerate(("Asking", "Quiet", "Lifelong", "Salted"))),
        [(f"A Method for {word} Harbours in Deep Water", (), "") for word in ("Asking", "Quiet", "Lifelong", "Salted")],
    ),
    "where and when within the link": (
        "# Candidates\n\n## 8\n- [Vectors of Words and Waves(NIPS 2013)](https://arxiv.org/abs/1310.00001)\n"
        "- [Seq2Sea (ICML 2014)](https://arxiv.org/abs/1409.00002)\n"
        "- [Approaches to Attention at Sea (EMNLP 2015)](https://arxiv.org/abs/1508.00003)\n",
        [("Vectors of Words and Waves", (), "2013"), ("Seq2Sea", (), "2014"),
         ("Approaches to Attention at Sea", (), "2015")],
    ),
    "short names as links, the rest of the title behind them; whose they are behind a bar": (
        "# Harbours\n\n"
        "- [Enabling Tides for Efficient Harbours of Deep Water](https://dl.acm.org/doi/10.1145/1.1) | SOSP '24\n"
        "- [DynaPier](https://arxiv.org/abs/2311.00001) : Optimizing Harbour Training through Dynamic Piers | EuroSys '24\n"
        "- [Demystifying Salt Imbalances in Large Harbours](https://arxiv.org/abs/2412.00002) | Kiel\n"
        "- [HAP](https://arxiv.org/abs/2412.00003): Pier Training on Heterogeneous Clusters | EuroSys'24\n",
        [("Enabling Tides for Efficient Harbours of Deep Water", (), "2024"),
         ("DynaPier: Optimizing Harbour Training through Dynamic Piers", (), "2024"),
         ("Demystifying Salt Imbalances in Large Harbours", (), ""),
         ("HAP: Pier Training on Heterogeneous Clusters", (), "2024")],
    ),
    "whose, where and when, and then the title": (
        "# Papers\n\n- Quist, Ada; Lund, Bo - `Tides That Remember Deep Water` - ICML, 2021\n"
        "- Marsh, Cy; Holm, Dee - `Salt as a Teacher of Harbours` - NeurIPS, 2020\n"
        "- Ray, Eve; Hart, Flo - `What a Lighthouse Knows` - ACL, 2019\n",
        [("Tides That Remember Deep Water", ("Quist, Ada", "Lund, Bo"), "2021"),
         ("Salt as a Teacher of Harbours", ("Marsh, Cy", "Holm, Dee"), "2020"),
         ("What a Lighthouse Knows", ("Ray, Eve", "Hart, Flo"), "2019")],
    ),
    "items with what is said of a work below them": (
        "# Papers\n\n- Tides That Remember Deep Water\n  - (Ada Quist, Bo Lund, and Cy Marsh)\n  - *ICML'21*\n"
        "- Salt as a Teacher\n  - (Dee Holm, and Eve Ray)\n  - *NeurIPS'20*\n",
        [("Tides That Remember Deep Water", ("Ada Quist", "Bo Lund", "Cy Marsh"), "2021"),
         ("Salt as a Teacher", ("Dee Holm", "Eve Ray"), "2020")],
    ),
    "a title of two pairs of words": (
        "# Compilers\n\n1. Folding Harbours, Unfolding Doubts. PLDI 2016.\n2. Registers Are Piers: An Approach. CGO 2018.\n"
        "3. What the Tide Saw. POPL 2020\n",
        [("Folding Harbours, Unfolding Doubts", (), "2016"), ("Registers Are Piers: An Approach", (), "2018"),
         ("What the Tide Saw", (), "2020")],
    ),
    "surnames and a year before a dash": (
        "# Storage\n\n- Ade 2019 - Rivers of Data (KDD)\n- Bohm & Carr 2020 - Lakes of Data (VLDB)\n"
        "- Diaz et al. 2021 - Oceans of Data (SIGMOD)\n",
        [("Rivers of Data", ("Ade",), "2019"), ("Lakes of Data", ("Bohm", "Carr"), "2020"),
         ("Oceans of Data", ("Diaz", "others"), "2021")],
    ),
    "bold titles a blank too far in, labelled links below": (
        "# Papers\n\n**Mining Tides for Weakly Supervised Harbours**\n\n- Oral\n- 论文：https://arxiv.org/abs/2007.00001\n"
        "- 代码：https://github.com/a/b\n\n **Improving Piers via Decoupled Edges**\n\n"
        "- 论文下载链接：https://arxiv.org/abs/2007.00002\n\n- 代码：https://github.com/c/d\n",
        [("Mining Tides for Weakly Supervised Harbours", (), ""), ("Improving Piers via Decoupled Edges", (), "")],
    ),
    "French references below a word for talks": (
        "# Lectures\n\n## Lu\n- Dubois, M., Petit, L. (2019). « Les graphes du port ». *Revue des mers*, 12(3), p. 45-60.\n"
        "- Roux, A. (2017). *Apprendre à nager*. Thèse de doctorat, Université de Lyon.\n",
        [("Les graphes du port", ("Dubois, M.", "Petit, L."), "2019"), ("Apprendre à nager", ("Roux, A.",), "2017")],
    ),
    "groups in groups, one of a single work of three words": (
        "# Bandits\n\n* 2023\n  * NeurIPS\n    * Budgets for Bandits [[paper]](https://arxiv.org/abs/2306.03300)\n"
        "    * Regret Nothing [[paper]](https://arxiv.org/abs/2305.03301)\n* 2022\n  * ICML\n"
        "    * Explore, Exploit, Explain [[paper]](https://arxiv.org/abs/2202.03303)\n",
        [("Budgets for Bandits", (), ""), ("Regret Nothing", (), ""), ("Explore, Exploit, Explain", (), "")],
    ),
    "one line and its address under each heading": (
        "# Tasks\n\n#### Answering\nStochastic Tides for Reading https://arxiv.org/abs/1712.00001\n\n"
        "#### Entailment\nEnhanced Harbours for Inference https://arxiv.org/abs/1609.00002\n",
        [("Stochastic Tides for Reading", (), ""), ("Enhanced Harbours for Inference", (), "")],
    ),
}  # fmt: skip


def facts(draft: Draft) -> tuple[str, tuple[str, ...], str]:
    """Title, authors and year as a draft states them."""
    return draft.title, tuple(draft.authors), (draft.date or str(draft.year or ""))[:4]


@pytest.mark.parametrize("style", STYLES)
def test_a_style_is_read(style: str) -> None:
    text, wanted = STYLES[style]
    assert [facts(draft) for draft in parse(text, "list.md", {}).drafts] == wanted


def test_the_day_on_which_something_was_read() -> None:
    text = (
        "# Log\n\n**Done**\n- [x] [Tides by Picture](https://arxiv.org/abs/2002.00001) — finished 2025-02-11\n"
        "- [x] [Tides in Deep Water](https://arxiv.org/abs/2002.00002) (2025-03-20)\n"
        "- [x] ~~[An Old Harbour](https://arxiv.org/abs/2002.00003)~~ read on Jan 5, 2025\n"
    )
    assert [str(draft.read) for draft in parse(text, "l.md", {}).drafts] == ["2025-02-11", "2025-03-20", "2025-01-05"]


def test_details_may_be_opened_by_a_line_and_closed_by_another() -> None:
    text = (
        "# List\n\n<details open><summary>\n\n### Tides\n</summary>\n<p>\n\n"
        "<details><summary><b>2023</b></summary>\n<p>\n\n"
        "- [Tides in Deep Water](https://arxiv.org/abs/2301.00001)\n\n</p>\n</details>\n</p>\n</details>\n\n"
        "## Last\n- [Salt in Deep Water](https://arxiv.org/abs/2301.00002)\n"
    )
    drafts = parse(text, "list.md", {}).drafts
    assert [draft.title for draft in drafts] == ["Tides in Deep Water", "Salt in Deep Water"]
    assert drafts[1].section == ("List", "Last")
