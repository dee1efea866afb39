"""Habits of people who keep lists: logs of what was read, schedules, citations of several styles, vaults, tables."""

from __future__ import annotations

import shutil

import pytest

from catalog.facts import OTHERS
from catalog.ingest import Draft, parse, read_source

Said = tuple[str, tuple[str, ...], str, str]
LISTS: dict[str, tuple[str, str, list[Said]]] = {
    "links before the title": ("a.md", """# Shapes
- [[arXiv](https://arxiv.org/abs/2101.00001)] Nets of points
- [[CVPR2022](https://arxiv.org/abs/2101.00002)] Meshes that close themselves [[code](https://github.com/a/b)]
- [[PDF](https://arxiv.org/abs/2101.00003)] Grids in the dark [[Project](https://a.example.org)]
""", [("Nets of points", (), "", ""), ("Meshes that close themselves", (), "CVPR", "2022"), ("Grids in the dark", (), "", "")]),
    "names and place in one parenthesis": ("a.md", """# Tutorial
- [Words in many tongues](https://arxiv.org/abs/2101.00001) (Quist et al., International Conference on Language Things 2020)
- [Trees of sentences](https://arxiv.org/abs/2101.00002) (Lund, Annual Meeting of the Association for Words 2019)
- [Sounds and signs](https://arxiv.org/abs/2101.00003) (Marsh et al., NAACL 2021)
""", [("Words in many tongues", ("Quist",), "International Conference on Language Things", "2020"),
      ("Trees of sentences", ("Lund",), "Annual Meeting of the Association for Words", "2019"),
      ("Sounds and signs", ("Marsh",), "NAACL", "2021")]),
    "labels under a day": ("a.md", """# Discussions

#### August 12, 2020
- **Paper**: [Learning to say less](https://arxiv.org/abs/2006.00001)
- **Authors**: [Ada Quist](https://x.example.org/a), Bo Lund
- **Presenter**: [Cy Marsh](https://x.example.org/c)

#### June 23, 2020
- **Paper**: [Weights that were poisoned](https://arxiv.org/abs/2004.00002)
- **Authors**: Dee Holm, Eve Ray
""", [("Learning to say less", ("Ada Quist", "Bo Lund"), "", ""), ("Weights that were poisoned", ("Dee Holm", "Eve Ray"), "", "")]),
    "headings with abstracts": ("a.md", """# Notes

## Attention to detail

*Ada Quist, Bo Lund*

NeurIPS 2017 · [arXiv](https://arxiv.org/abs/1706.00001) · [code](https://github.com/a/b)

**Abstract.** The dominant models are complex.

### My notes
Detail is the point.

## Details of attention

*Cy Marsh, Dee Holm*

NAACL 2019 · [arXiv](https://arxiv.org/abs/1810.00002)
""", [("Attention to detail", ("Ada Quist", "Bo Lund"), "NeurIPS", "2017"), ("Details of attention", ("Cy Marsh", "Dee Holm"), "NAACL", "2019")]),
    "names with a colon, the title below": ("a.md", """# Attacks
* Ada Quist, Bo Lund, Cy Marsh Holm:

  A Stone in the Works of Watches.

  [[paper](https://arxiv.org/abs/2101.00001)]

* Dee Ray, Eve Foss:

  Sand in the Gears of Mills.

  [[paper](https://arxiv.org/abs/2101.00002)]

- **MudGuard:** Cy Marsh Holm, Eve Foss.<br />
  "Boots that Keep the Water Out."

  [[paper](https://arxiv.org/abs/2101.00003)]

- **RainCoat:** Dee Ray, Cy Marsh Holm.

  "Coats for Clocks in Storms." AAAI(2022)

  [[paper](https://arxiv.org/abs/2101.00004)]
""", [("A Stone in the Works of Watches", ("Ada Quist", "Bo Lund", "Cy Marsh Holm"), "", ""),
      ("Sand in the Gears of Mills", ("Dee Ray", "Eve Foss"), "", ""),
      ("Boots that Keep the Water Out", ("Cy Marsh Holm", "Eve Foss"), "", ""),
      ("Coats for Clocks in Storms", ("Dee Ray", "Cy Marsh Holm"), "AAAI", "2022")]),
    "an ampersand before the last name": ("a.md", """# Read
- Ada Quist, Bo Lund, & H.-P. Marsh. (2018). Pebbles of Many Sizes.
- T. Foss, E. Ray, H.-P. Marsh, J. Kant, and C. Dell. 2009. Rivers that Carry Pebbles. ACM Trans. Graph. 28, 5
- Bo Lund, & Ada Quist. (2016). Beaches, Faster: Pebbles in Real Time.
""", [("Pebbles of Many Sizes", ("Ada Quist", "Bo Lund", "H.-P. Marsh"), "", "2018"),
      ("Rivers that Carry Pebbles", ("T. Foss", "E. Ray", "H.-P. Marsh", "J. Kant", "C. Dell"), "ACM Trans. Graph", "2009"),
      ("Beaches, Faster: Pebbles in Real Time", ("Bo Lund", "Ada Quist"), "", "2016")]),
    "a place and its year without a blank": ("a.md", """# Linux
+ Slow Clocks: A Study. Tick-Tock(2020) [[pdf]](https://a.example.org/1.pdf)
+ Turning the Hands Back. EuroSys(2019) [[pdf]](https://a.example.org/2.pdf)
+ Springs under Load. 11th Workshop on Springs(2009) [[pdf]](https://a.example.org/3.pdf)
+ 钟摆在高速列车上的运动规律研究. 钟表工程与应用(2014) [[pdf]](https://a.example.org/4.pdf)
""", [("Slow Clocks: A Study", (), "Tick-Tock", "2020"), ("Turning the Hands Back", (), "EuroSys", "2019"),
      ("Springs under Load", (), "11th Workshop on Springs", "2009"), ("钟摆在高速列车上的运动规律研究", (), "钟表工程与应用", "2014")]),
    "a label in italics, and a table of contents": ("a.md", """# Birds
* [Big birds](https://github.com/a/b#big-birds)
## Big birds
- <[Herons that Wait](https://arxiv.org/abs/1501.00001)>, Quist et al, 2015. *Algorithm: HTW.*
- <[Storks on Roofs](https://arxiv.org/abs/1601.00002)>, Lund et al, 2016. *Algorithm: SOR.*
- <[Cranes in Rows](https://arxiv.org/abs/1701.00003)>, Marsh et al, 2017. *Contribution: rows, and how to keep them.*
""", [("Herons that Wait", ("Quist",), "", "2015"), ("Storks on Roofs", ("Lund",), "", "2016"),
      ("Cranes in Rows", ("Marsh",), "", "2017")]),
    "a paragraph each: a title and its links": ("a.md", """# Crabs
Gaits on Wet Sand — [arXiv](https://arxiv.org/abs/1901.00001) · [code](https://github.com/a/b) · [slides](https://a.example.org/s.pdf)

Shells for Rent — [arXiv](https://arxiv.org/abs/1902.00002) · [video](https://youtu.be/abcdefghijk)
""", [("Gaits on Wet Sand", (), "", ""), ("Shells for Rent", (), "", "")]),
    "terms that are titles": ("a.html", """<h1>Glass</h1><dl>
<dt><a href="https://arxiv.org/abs/1901.00001">Blowing Bubbles into Bounds</a></dt><dd>Ada Quist, Bo Lund. COLT 2019.</dd>
<dt><a href="https://arxiv.org/abs/1902.00002">Cooling, Slowly</a></dt><dd>Bo Lund. UAI 2020.</dd></dl>
""", [("Blowing Bubbles into Bounds", ("Ada Quist", "Bo Lund"), "COLT", "2019"), ("Cooling, Slowly", ("Bo Lund",), "UAI", "2020")]),
    "places as GOST and GB/T have them": ("a.md", """# Works
1. Волков А. Б., Снегова М. П. Сети инея // Труды ИСП. 2019. Т. 31. № 2. С. 15–28.
2. Снегова М. П. Вьюга и выборка // Автоматика. 2021. № 4. С. 3–19.
3. STONE A, 林海. Pebbles in the Stream[J]. Neural Networks, 2021, 12(2): 7-19.
""", [("Сети инея", ("Волков А. Б.", "Снегова М. П."), "Труды ИСП", "2019"), ("Вьюга и выборка", ("Снегова М. П.",), "Автоматика", "2021"),
      ("Pebbles in the Stream", ("STONE A", "林海"), "Neural Networks", "2021")]),
    "columns within a line": ("a.txt", """2019 | NeurIPS | Crows Count to Four | Ada Quist, Bo Lund | https://arxiv.org/abs/1906.00001
2020 | ICML | Feathers of Birds | Bo Lund | https://arxiv.org/abs/2007.00002
2018 | ACL | Rooks at Dusk | Bo Lund, Cy Marsh | https://arxiv.org/abs/1805.00003
""", [("Crows Count to Four", ("Ada Quist", "Bo Lund"), "NeurIPS", "2019"), ("Feathers of Birds", ("Bo Lund",), "ICML", "2020"),
      ("Rooks at Dusk", ("Bo Lund", "Cy Marsh"), "ACL", "2018")]),
    "quotation marks as French has them": ("a.md", """# Lectures

## À lire
- « La marée des gradients », Anne Quist et Yves Lund, ICML 2022
- « Phares et balises », Yves Lund, CVPR 2021

## Lus
- « Sel et bruit », Yves Lund et Anne Quist, ICLR 2018
""", [("La marée des gradients", ("Anne Quist", "Yves Lund"), "ICML", "2022"), ("Phares et balises", ("Yves Lund",), "CVPR", "2021"),
      ("Sel et bruit", ("Yves Lund", "Anne Quist"), "ICLR", "2018")]),
    "names within the link, behind a colon": ("a.md", """# Parts
- [Folding Nets of Paper(FoldNet): Quist et al.](https://arxiv.org/abs/1901.00001)
- [Mask and Cut: Lund et al.](https://arxiv.org/abs/1901.00002)
- [A Glue for Edges](https://arxiv.org/abs/1901.00003)
""", [("Folding Nets of Paper(FoldNet)", ("Quist",), "", ""), ("Mask and Cut", ("Lund",), "", ""), ("A Glue for Edges", (), "", "")]),
    "journals with their volumes": ("a.md", """# Waves
1. Z. Quist, F. Lund, Ripples in layered ponds by small steps, Bull. Seism. Soc. Am. 58 (1) (1968) 367–398.
2. M.A. Marsh, The order of differences in a pond, Geophysics 51 (1986) 54–66.
3. Foss, C., Ray, D., Ray, R., and Holm, M., 1985, A shore without echoes for waves: Geophysics, 50, 705–708.
4. Holm, R. L., 1986, Shores for steps in many dimensions: Mathematics of Computation, 47, 437–459.
5. R. Foss, Y. Ray, Two steps across a pond and back, in: 78th Annual Meeting, Society of Ponds, 2008, pp. 2242–2246.
""", [("Ripples in layered ponds by small steps", ("Z. Quist", "F. Lund"), "Bull. Seism. Soc. Am", "1968"),
      ("The order of differences in a pond", ("M.A. Marsh",), "Geophysics", "1986"),
      ("A shore without echoes for waves", ("Foss, C.", "Ray, D.", "Ray, R.", "Holm, M."), "Geophysics", "1985"),
      ("Shores for steps in many dimensions", ("Holm, R. L.",), "Mathematics of Computation", "1986"),
      ("Two steps across a pond and back", ("R. Foss", "Y. Ray"), "78th Annual Meeting, Society of Ponds", "2008")]),
    "remarks in Japanese": ("a.md", """# Surveys
- [Cranes of Paper: A Survey](https://arxiv.org/abs/1901.00001) — *ACL 2022* · 📈90。折り紙(鶴)の手法・応用を整理した代表的サーベイ
- [Ponds in Gardens: A Review](https://arxiv.org/abs/1902.00002) — *arXiv 2025* · 📈5。池・プールの管理・設計を包括的に整理
- [Lanterns: An Overview](https://arxiv.org/abs/1903.00003) — *KDD 2021* · 📈7。灯籠(提灯)の歴史を俯瞰
""", [("Cranes of Paper: A Survey", (), "ACL", "2022"), ("Ponds in Gardens: A Review", (), "arXiv", "2025"),
      ("Lanterns: An Overview", (), "KDD", "2021")]),
    "papers under a heading of videos": ("a.md", """# Models
## Video / Audio
+ **Talking Ponds: Sounds of Water and Models of Them.**

    *Ada Quist, Bo Lund.* **KDD, 2023** [[pdf](https://a.example.org/1.pdf)] [[arxiv](https://arxiv.org/abs/2303.00001)]
""", [("Talking Ponds: Sounds of Water and Models of Them", ("Ada Quist", "Bo Lund"), "KDD", "2023")]),
    "no blank behind the colon, as dblp is copied": ("a.md", """# Joins
+ Ada Quist, Bo Lund, Cy Marsh:Hash Joins on Wet Sand: A Closer Look. IEEE Trans. Parallel Distributed Syst. 28(9): 2663-2673 (2017)
+ Bo Lund, Dee Holm:SandQuery: Fine-Grained Joins on Beaches. CLUSTER 2021: 355-365
+ Cy Marsh, Dee Holm:Sorting Shells in Memory. VLDB 2018: 12-20
""", [("Hash Joins on Wet Sand: A Closer Look", ("Ada Quist", "Bo Lund", "Cy Marsh"), "IEEE Trans. Parallel Distributed Syst", "2017"),
      ("SandQuery: Fine-Grained Joins on Beaches", ("Bo Lund", "Dee Holm"), "CLUSTER", "2021"),
      ("Sorting Shells in Memory", ("Cy Marsh", "Dee Holm"), "VLDB", "2018")]),
    "a schedule": ("a.md", """# Reading group

| Date | Presenter | Paper | Slides |
|---|---|---|---|
| Sep 3 | Alice | [Laws of size for nets](https://arxiv.org/abs/2001.00001) (Quist et al., 2020) | [pdf](s/q.pdf) |
| Sep 10 | Bob | [Sizes without laws](https://arxiv.org/abs/2203.00002) | |
| Sep 17 | *no meeting* | | |
| Oct 1 | TBD | TBD | |
""", [("Laws of size for nets", ("Quist",), "", "2020"), ("Sizes without laws", (), "", "")]),
    "references": ("a.md", """# References

[1] K. Quist, X. Lund, and J. Marsh, "Deep residue of images," in Proc. IEEE Conf. Comput. Vis. (CVPR), 2016, pp. 770–778.

[2] D. P. Holm and J. Ray, "A method of steps," arXiv preprint arXiv:1412.00001, 2014.

[3] Quist, Y., Lund, Y. & Marsh, G. Learning in depth. Nature 521, 436–444 (2015). https://doi.org/10.1000/nature14539
""", [("Deep residue of images", ("K. Quist", "X. Lund", "J. Marsh"), "Proc. IEEE Conf. Comput. Vis. (CVPR)", "2016"),
      ("A method of steps", ("D. P. Holm", "J. Ray"), "arXiv", "2014"),
      ("Learning in depth", ("Quist, Y.", "Lund, Y.", "Marsh, G."), "Nature", "2015")]),
    "names with institutes, terms": ("a.html", """<html><body><h1>Accepted papers</h1><dl>
<dt><b>Nets that learn to sleep</b></dt><dd><i>Ada Quist (ETH Zürich), Bo Lund (KTH)</i></dd><dd><a href="https://a.org/1.pdf">[pdf]</a></dd>
<dt><b>Graphs without edges</b></dt><dd><i>Cy Marsh (MIT), Dee Holm (MIT)</i></dd><dd><a href="https://a.org/2.pdf">[pdf]</a></dd>
</dl></body></html>
""", [("Nets that learn to sleep", ("Ada Quist", "Bo Lund"), "", ""), ("Graphs without edges", ("Cy Marsh", "Dee Holm"), "", "")]),
    "titles on lines of their own": ("a.md", """# Vision

## Others

Landmarks that give directions(从地标)<br>
[paper](https://arxiv.org/abs/2111.00001)<br><br>

Permutations that agree in part(部分置换)<br>
keywords: Sorting(排序), Graph Matching, Memory<br>
[paper](https://arxiv.org/abs/2203.00002) | [code](https://github.com/a/b)<br><br>
""", [("Landmarks that give directions", (), "", ""), ("Permutations that agree in part", (), "", "")]),
    "a table of short names": ("a.md", """# 论文

| 已录制 | 年份 | 名字 | 简介 |
|---|---|---|---|
| ✅ | 2012 | [AlexNet](https://arxiv.org/abs/1201.00001) | 深度学习热潮的奠基作 |
| | 2014 | [VGG](https://arxiv.org/abs/1409.00002) | 使用卷积构造更深的网络 |
""", [("AlexNet", (), "", "2012"), ("VGG", (), "", "2014")]),
    "semicolons part names in a column": ("a.csv", """Name,Authors,Year,Link
Attention to detail,"Quist, Ada; Lund, Bo",2017,arxiv.org/abs/1706.00001
Details of attention,"Marsh, Cy",2019,https://arxiv.org/abs/1810.00002
""", [("Attention to detail", ("Quist, Ada", "Lund, Bo"), "", "2017"), ("Details of attention", ("Marsh, Cy",), "", "2019")]),
    "a note of a vault": ("a.md", """---
authors: "[[Ada Quist]], [[Bo Lund|Lund]]"
year: 2017
venue: "[[NeurIPS]]"
url: https://arxiv.org/abs/1706.00001
---
# Attention to detail
""", [("Attention to detail", ("Ada Quist", "Lund"), "NeurIPS", "2017")]),
    "titles that ask, enumerate, and hold parentheses": ("a.md", """# Learning
- Do nets learn anything at all? An empirical study [[arXiv](https://arxiv.org/abs/1706.00001)]
- Growing nets for better quality, stability, and variation [[arXiv](https://arxiv.org/abs/1710.00002)]
- Processing language (almost) from scratch (2011) [[pdf](https://a.example.org/s.pdf)]
""", [("Do nets learn anything at all? An empirical study", (), "", ""), ("Growing nets for better quality, stability, and variation", (), "", ""),
      ("Processing language (almost) from scratch", (), "", "2011")]),
    "a line an entry, in one paragraph": ("a.md", """# Log

2024-01-03: "Laws of size for nets" (https://arxiv.org/abs/2001.00001)
2024-01-09: "Nets trained just enough" (https://arxiv.org/abs/2203.00002)
2024-02-11: "Paths through a net" (https://arxiv.org/abs/2204.00003)
""", [("Laws of size for nets", (), "", ""), ("Nets trained just enough", (), "", ""),
      ("Paths through a net", (), "", "")]),
    "a date that something was published": ("a.yaml", """- name: Snakes of states
  paper: https://arxiv.org/abs/2312.00001
  authors: [Ada Quist]
  published: 2023-12
  my status: Finished
- name: Rivers of states
  paper: https://arxiv.org/abs/2305.00002
  authors: [Bo Lund]
""", [("Snakes of states", ("Ada Quist",), "", "2023-12"), ("Rivers of states", ("Bo Lund",), "", "")]),
    "papers below a word for software": ("a.md", """# Applied

## Platforms
1. [Meet Hodor: a platform for the quality of data](https://eng.example.org/hodor) `Acme` `2019`
2. [Checking data before training at scale](https://eng.example.org/check) `Umbrella` `2017`
3. [How we watch our models in production](https://eng.example.org/watch) `Initech` `2020`
""", [("Meet Hodor: a platform for the quality of data", (), "", "2019"), ("Checking data before training at scale", (), "", "2017"),
      ("How we watch our models in production", (), "", "2020")]),
    "tags before linked notes": ("a.md", """# About

## Added 2018/10/01:
* ****`NORMALIZATION`**** [Grouping what is normal in a net](nets/Grouping.md)
* [Clusters that nobody labelled before](nets/Clusters.md)
* [Spatial steps of a transformer net](nets/Steps.md)
""", [("Grouping what is normal in a net", (), "", "2018-10-01"), ("Clusters that nobody labelled before", (), "", "2018-10-01"),
      ("Spatial steps of a transformer net", (), "", "2018-10-01")]),
}  # fmt: skip


def said(draft: Draft) -> Said:
    return (
        draft.title,
        tuple(name for name in draft.authors if name != OTHERS),
        draft.venue,
        draft.date or str(draft.year or ""),
    )


@pytest.mark.parametrize("habit", LISTS)
def test_habit(habit: str) -> None:
    name, text, wanted = LISTS[habit]
    found = parse(text, name)
    assert [said(draft) for draft in found.drafts] == wanted
    assert not found.missed
    assert not any("<" in draft.notes for draft in found.drafts)


def test_days_before_titles_are_when_they_were_read_where_the_list_says_so() -> None:
    text = """# Papers I read in 2023

* 2023-01-03: [Ranks that stay low](https://arxiv.org/abs/2106.00001) (Quist et al., 2021). Simple. ★★★★
* 2023-01-20: Steps: a method, Lund & Marsh, ICLR 2015
"""
    first, second = parse(text, "a.md").drafts
    assert (first.title, str(first.read), first.year, first.rating) == ("Ranks that stay low", "2023-01-03", 2021, 4)
    assert (second.title, second.authors, str(second.read)) == ("Steps: a method", ("Lund", "Marsh"), "2023-01-20")


def test_days_of_reading_behind_titles() -> None:
    text = """# Lecturas
- *El olivo y el grafo*, Ana Quist y Luis Lund (NeurIPS 2020). Leído el 3 de marzo de 2021.
- *Aceite y ruido*, Ana Quist (AAAI 2021). Pendiente.
- [x] Swallows on the Wire [author:: Ada Quist] [venue:: EMNLP 2020] [completion:: 2023-04-11]
"""
    found = [(draft.title, str(draft.read), draft.status) for draft in parse(text, "a.md").drafts]
    assert found[0] == ("El olivo y el grafo", "2021-03-03", "read")
    assert found[1][:2] == ("Aceite y ruido", "None")
    assert found[2] == ("Swallows on the Wire", "2023-04-11", "read")


def test_a_row_without_a_work_is_none() -> None:
    text = """| Week | Topic | Readings |
|---|---|---|
| 1 | Start | none |
| 2 | Logs | [A Log for Every Beaver](https://arxiv.org/abs/1901.00001) (FAST '19) |
| 3 | Caches | [Lodges below the Ice](https://arxiv.org/abs/2002.00002) (NSDI '20) |
| 4 | No class | |
"""
    found = parse(text, "a.md")
    assert [draft.title for draft in found.drafts] == ["A Log for Every Beaver", "Lodges below the Ice"]
    assert not found.missed


def test_words_between_identifiers_are_their_status() -> None:
    text = "TODO\nhttps://arxiv.org/abs/1810.00001\n10.1000/abc\nDONE\narXiv:1409.0001\n"
    found = read_source("a.txt", text.encode())
    assert [draft.status for draft in found.drafts] == ["unread", "unread", "read"]
    assert not found.missed


@pytest.mark.parametrize("title", ["Awesome Tools", "Site of a Group", "Follow me!"])
def test_a_page_about_something_is_no_paper(title: str) -> None:
    text = f"# {title}\n\nhttps://group.example.org\n\n**Follow us!**\n\n[blog](https://medium.com/@us)\n\n- [arXiv](https://arxiv.org/)\n"
    assert not parse(text, "a.md").drafts


@pytest.mark.skipif(not shutil.which("pandoc"), reason="LaTeX is read by pandoc")
def test_a_bibliography_of_latex_keeps_its_keys() -> None:
    text = r"""\begin{thebibliography}{10}
\providecommand{\natexlab}[1]{#1}
\bibitem[Quist et~al.(2020)Quist, Lund, and Marsh]{quist:20}
Ada Quist, Bo Lund, and Cy Marsh.
\newblock Leaves in the wind.
\newblock In \emph{International Conference on Trees}, pages 1--9, 2020.
\newblock URL \url{https://arxiv.org/abs/2001.00501}.

\bibitem{pike} R.~Pike and B.~Lund. \emph{The marsh of the pike}. Journal of Fins, 4:1--9, 2009.
\end{thebibliography}
"""
    first, second = read_source("paper.bbl", text.encode()).drafts
    assert (first.key, first.title, first.year, first.venue) == (
        "quist:20", "Leaves in the wind", 2020, "International Conference on Trees",
    )  # fmt: skip
    assert first.authors == ("Ada Quist", "Bo Lund", "Cy Marsh")
    assert (second.key, second.title, second.authors) == ("pike", "The marsh of the pike", ("R. Pike", "B. Lund"))


@pytest.mark.skipif(not shutil.which("pandoc"), reason="org is read by pandoc")
def test_org_keeps_facts_lines_and_notes() -> None:
    text = """* Nets                                    :nlp:
** DONE [[https://arxiv.org/abs/1706.00001][Attention to detail]] :attention:
   CLOSED: [2023-03-02 Thu 10:00]
   :PROPERTIES:
   :AUTHOR: Ada Quist and Bo Lund
   :YEAR: 2017
   :END:
   Detail is the point.
** TODO Details of attention
   - authors :: Cy Marsh, Dee Holm
   - venue :: NAACL 2019
   - url :: https://arxiv.org/abs/1810.00002
"""
    first, second = read_source("a.org", text.encode()).drafts
    assert (first.title, first.authors, str(first.read), first.line) == (
        "Attention to detail", ("Ada Quist", "Bo Lund"), "2023-03-02", 2,
    )  # fmt: skip
    assert first.notes == "Detail is the point."
    assert (second.authors, second.venue, second.year, second.line) == (("Cy Marsh", "Dee Holm"), "NAACL", 2019, 9)


def test_a_line_of_places_without_end_is_read() -> None:
    for name, before in (("a.html", "<ul><li>"), ("a.md", "# Works\n\n- ")):
        assert parse(before + "a,2020\n" * 3_000, name) is not None
    assert parse("# Works\n\n- [Paper](http://x.y/z) " + "/" * 3_000, "a.md") is not None
