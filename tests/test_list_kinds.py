"""Kinds of list that public ones are of, each in a few invented lines, and what must come of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from catalog.facts import OTHERS
from catalog.ingest import Draft, parse

BADGES_BELOW_THE_TITLE = """# Awesome Sparse Models
[![Awesome](https://awesome.re/badge.svg)](https://awesome.re) [![visitors](https://badge.io/v)](https://badge.io/v)

## Contents
### Foundations
- **Sparse nets learn faster** (2019), A. Lindqvist et al. [[pdf]](https://arxiv.org/pdf/1901.00001)
- **Dense nets forget** (2020), M. Okafor and J. Diaz [[pdf]](https://arxiv.org/pdf/2001.00002)
"""
JUMPS_NEVER_CLOSED = """# Papers

<a name="1"/>

## 1. Edges
* edge detection
  * [Edges seen from afar: a detector for the horizon](https://arxiv.org/abs/2303.00001)<br>:star:[code](https://github.com/a/edges)
* 分割
  * [LinK: Linear Kernels](https://arxiv.org/abs/2303.00002)<br>:house:[project](https://link.example.org)
  * [Masks without a teacher](https://arxiv.org/abs/2303.00003)
* **Computing Surveys**
  - Diffusion Models: a survey of what they cannot do [[Paper]](https://arxiv.org/abs/2303.00004)
"""
DATE_AND_AFFILIATION = """# Agents

## Planning
- [2023/05] **Plans that hold.** *Ada Quist (DeepMind) et al. NeurIPS.* [[paper](https://arxiv.org/abs/2305.00001)]
- [2022/10] **Plans that break.** *Bo Lund et al. arXiv.* [[paper](https://arxiv.org/abs/2210.00002)]
- [2019/04] **Plans of others.** *Cy Marsh et al. ACL.* [[paper](https://aclanthology.org/N19-0001/)]
"""
NAMES_ITALIC_PLACE_DAY = """# Diffusion

## Vision
**Noise as a teacher** \\
*Ada Quist, Bo Lund* \\
arXiv 2022. [[Paper](https://arxiv.org/abs/2206.00001)] \\
17 Jun 2022

**Light through the mask** \\
*Cy Marsh, Dee Holm* \\
Visual Computer 2023. [[Paper](https://arxiv.org/abs/2301.00002)] \\
26 Jan 2023

**Steps that are skipped** \\
*Eve Ray, Flo Hart* \\
arXiv 2023. [[Paper](https://arxiv.org/abs/2302.00003)] \\
2 Feb 2023
"""
SHORT_NAME_BEFORE = """# Control

## 2025
- ***Compass:*** Many Objects turned at once in Text-to-Image Generation [[Paper]](https://arxiv.org/abs/2504.00001)
- Sampling only once, by Adversarial Guidance of the teacher [[Paper]](https://arxiv.org/abs/2504.00002) [[Code]](https://github.com/a/once)
- Masks that nobody drew [Paper] [[Code]](https://github.com/a/masks)
"""
NAMES_OF_DATA_SETS = """# Data

| Name | Paper | Link |
|---|---|---|
| **Pairs-7M** | [Pairs: seven million pictures with words](https://arxiv.org/abs/2401.00001) | [Link](https://huggingface.co/datasets/a/pairs) |
| **Talk** | [Talk to me: speech that was written down](https://arxiv.org/abs/2401.00002) | [Link](https://huggingface.co/datasets/a/talk) |

# Products

| Name | Year | Website |
|---|---|---|
| Drawly | 2023 | [link](https://drawly.example.org) |
| Painty | 2024 | [link](https://painty.example.org) |
"""
TERMS = """# Graphs

<dl>
<dt><a href="https://arxiv.org/abs/1403.00001">Walks as sentences of a graph</a></dt>
<dd><code role="authors">Ada Quist, Bo Lund</code><br><code role="venue">KDD 2014</code></dd>
<dt><a href="https://arxiv.org/abs/1403.00002">Lines between the nodes</a></dt>
<dd><code role="authors">Cy Marsh</code><br><code role="venue">WWW 2015</code></dd>
</dl>
"""
COMMAS = """# Control

## Theory
- Ian H. Quist, An Adaptive Controller for Markov Worlds, Neural Computation, 1997. [[Paper]](https://example.org/a.pdf)
- Ada Quist, Bo Lund, Learning with Replaced Traces of the Past, Pattern Recognition, 1996. [[Paper]](https://example.org/b.pdf)
- Cy Marsh, Dee Holm, Eve Ray, Policies that Never Saw a Reward, ICML 2004. [[Paper]](https://example.org/c.pdf)
"""
CELLS = """# Accepted

| ID | Paper | Authors |
|---|---|---|
| 1 | DeepMap: Segmentation with Nets, Wide Kernels, and Random Fields | Ada Quist (A University); Bo Lund (B Lab)* |
| 2 | Layers with a "Bottleneck" Structure | Cy Marsh (C Institute, Rome) |
| 3 | Faster, Better, Stronger | Dee Holm; Eve Ray |
"""
COMPANY_AND_YEAR = """# Applied

## Quality
1. [Meet Hodor: a tool for the quality of data](https://blog.example.org/hodor) `Carts` `2019`
2. [Checking data before training](https://research.example.org/p1) ([Paper](https://example.org/p1.pdf)) `Maps` `2017`
3. [How we watch our models](https://medium.com/carts/watch) `Carts` `2020`
"""
VENUE_AS_LABEL = """# Adaptation

## Conference
- Adapting without labels at all [[CVPR2023]](https://openaccess.thecvf.com/a.pdf) [[Pytorch]](https://github.com/a/b)
- Few shots for another domain[[5 Nov 2019]](https://arxiv.org/abs/1911.00001v1)
- Causes that transfer [[ICML 2020]](https://proceedings.mlr.press/v1/c.html)
"""
HEADINGS_WITH_LINKS = """# Hands

## Recent

##### • [\\[arXiv:2108.00001\\]](https://arxiv.org/abs/2108.00001) Hands that hold what nobody saw. [\\[PDF\\]](https://arxiv.org/pdf/2108.00001) [\\[Code\\]](https://github.com/a/b)

_Ada Quist, Bo Lund_

##### [2017 SIGGRAPH Asia] Fingers in the dark. [\\[PDF\\]](https://example.org/f.pdf)

_Cy Marsh, Dee Holm, Eve Ray_
"""
FIRST_NAME_TURNED = """# Systems

## Papers
- Ends that argue with the middle [[Paper]](https://example.org/a.pdf)
  - Quist, Ada H., Bo Lund, and Cy Marsh. *TOCS 1984*
- Caches that forget on purpose [[Paper]](https://example.org/b.pdf)
  - Holm, Dee, Eve Ray, Flo Hart. *SOSP 2001*
"""
Said = tuple[str, tuple[str, ...], str, str]
EMOJI_BEFORE_LINKED_PARAGRAPHS = """# Must read

### :bar_chart: Data

:1st_place_medal: :page_facing_up:[Tidy tables - by Ada Quist](https://example.org/tidy.pdf)

:2nd_place_medal: :page_facing_up: [Curves and their volumes: a view of
simple models](https://arxiv.org/abs/1908.00001)

:8ball: [Nets that learn by descent by descent](https://arxiv.org/abs/1606.00002)

:100: [A search in odd space by Bo Lund and Cy Marsh (pdf)](https://arxiv.org/abs/1503.00003)
"""
ONE_NAME_BEFORE_A_COLON = """# Must read

* Ada Quist and Bo Lund: Labels and Crowds with Training, 1998.
* Cy Marsh: Inference with Tears, 2009.
* Dee Holm, Eve A.B. Ray: Fields: Models for Sequences, ICML 2001.
* Flo Hart et al.: Language (almost) from Scratch, J. of Machine Learning Research, 2011.
* Ada Quist, Bo Lund. Transliteration. Computational Linguistics, 1992.
* Cy Marsh, et al.: "Why Should I Care?": Reasons for Any Answer, KDD 2016.
"""
NAMES_THAT_ARE_LINKED = """# Humans

**Fields of clothes.**<br>
*[Ada Quist](https://a.example.org), [Bo Lund](https://b.example.org), Cy Marsh.*<br>
CVPR 2023. [[PDF](https://arxiv.org/abs/2304.00001)] [[Code](https://github.com/a/b)]

**Features of faces.**<br>
*Dee Holm, Eve Ray.*<br>
ICCV 2023. [[PDF](https://arxiv.org/abs/2304.00002)]
"""
SEE_ALSO = """# Landmarks

- **A net that knows (1980)**, Quist, [@Springer](https://link.springer.com/article/10.1007/BF00000001) 🏛️.
- See also: **Delays in nets (1989)**, Lund, Marsh, and Holm, [@IEEE](https://ieeexplore.ieee.org/document/2) 🔒.
- See also: **Layers of nets (1990)**, Ray et al., [@IEEE](https://ieeexplore.ieee.org/document/3) 🔒.
"""
STARS_AND_MEETINGS = """# Group

| Date & Time<br>Place | Who | Paper(s) | Stars |
|---|---|---|---|
| Tue, 18 Oct 2022, 10:00<br>Room 7 | Ada | [Giants that stand still](https://arxiv.org/abs/2204.00001) | 5,100 |
| Tue, 1 Nov 2022, 10:00<br>Room 7 | Bo | [Facts that can be moved](https://arxiv.org/abs/2202.00002) | 3 |
"""
NAMES_OF_THE_WORKS = """# Deep

## DUC 2004 Task 1
- [An image and its words](https://arxiv.org/abs/2010.00001) (ViT) : [review](https://github.com/s/d/issues/8)
- [A lite learner](https://arxiv.org/abs/1909.00002) (ALBERT) : [review](https://github.com/s/d/issues/10)
- [From image to image](https://arxiv.org/abs/1611.00003) (Pix2Pix) : [review](https://github.com/s/d/issues/32)

## Met in 2021
- [Throttles that turn, NSDI '24](https://www.usenix.org/x.pdf)
- a remark that is no paper
"""
YEARS_END_HEADINGS = """# Notes

### [Why it had no thesis (1982)](https://example.org/82.pdf)
*Author: Ada Quist*

### Calculi of conversion (1941)
*Author: Bo Lund*

### Names and what they mean
[pdf](https://arxiv.org/abs/1907.00001) [Cy Marsh 2019: Names](cite:marsh-2019)
"""
NAMES_OF_MANY_LETTERS = """# L

| Title | Author | Date |
|---|---|---|
| [A map of hands](https://arxiv.org/abs/2101.00001) | You et al. | 03/02/2021 |
| [A map of feet](https://arxiv.org/abs/2101.00002) | И. И. Иванов | 14/02/2021 |
| [A map of heads](https://arxiv.org/abs/2101.00003) | 何 愷明, 佐藤 花子 | 01/02/2021 |

- **A map of "known" things**, И. И. Иванов, П. С. Петров, 2020 [pdf](https://arxiv.org/abs/2101.00004)
- Roads rediscovered by Ada Quist, Bo Lund: https://arxiv.org/abs/2101.00005
- **Hands II: Fingers by Counting Rows and Columns**, 2022 [pdf](https://arxiv.org/abs/2101.00006)
"""
ANGLED = r"""# Offline things

## Model-free
* <Learning from Fixed Sets: A Tutorial> by Ada Quist, Bo Lund, Cy Marsh, 2020. [[Link]](https://arxiv.org/abs/2005.01643)
* <Trees in batch mode> by Dina Ernst, Per Geurts and Lou Wehenkel, JMLR 2005. [[Link]](https://www.jmlr.org/papers/v6/ernst05a.html)
* <Behavior Modelling Priors> by Nora Siegel et al, ICLR 2020. [[Link]](https://arxiv.org/abs/2002.08396)
"""
LINKS_IN_A_LIST_BELOW = r"""# Classics of speech

## Recognition

*(CTC)* **Labelling Unsegmented Sequences with Recurrent Networks.** Ada Quist, Bo Lund, Cy Marsh. ICML 2006.

- [[paper](https://example.org/ctc.pdf)]

*(LAS)* **Listen and Spell.** Dan Ek, Eva Foss. ICASSP 2016.

- [[paper](https://arxiv.org/pdf/1508.01211)] [[blog](https://blog.example.org/las)]
- an encoder that halves the length
- attention over what is left

*(wav2vec)* **Learning the Structure of Speech by Itself.** Fay Holm, Gus Ibsen.

- [[paper](https://arxiv.org/pdf/2006.11477.pdf)]
"""
ALL_IN_THE_LINK = r"""# Notes

## 2002
- [How Deep are Deep Representations? Comparing Layers of Three Models (2019) - Quist](notes/how-deep.md)
  - embeddings, bert

## 2001

- [Discounted Learning is Not Optimization (2019) - Quist, Lund, Marsh, Ek](notes/discounted.md)
  - rl, optimization

## 1912

- [Agents Upside Down (2019) - Foss, Holm, Jaśkowski](notes/upside.md)
  - rl
- [Universal Tuning for Classification (2018) - Ibsen, Ruda](notes/tuning.md)
  - nlp, fine-tuning
"""
LABELS_IN_BOLD = r"""# Embodied

## Policies
- **ActMol** **[Lund AI]** ActMol: Models that Reason in Space · Action Reasoning / Space [[paper](https://arxiv.org/abs/2508.07917)] [[project](https://actmol.example.org)]
- **OpenHand** **[Marsh University]** OpenHand: An Open Model of Hands · Open-Source VLA [[paper](https://arxiv.org/pdf/2406.09246)]
- **HandWM** **[Ek Lab]** Fine-Tuning Video Models for Planning · World Model [[paper](https://arxiv.org/pdf/2601.16163)]
"""
REMARKS_BEHIND_LINKS = r"""# Speech

### Codecs
- [2024/12] **FreeSound: A disentangled codec with fewer tokens** [[paper](https://arxiv.org/abs/2412.01053)][[code](https://github.com/a/FreeSound)] `Code Coming Soon` | *speaker encoder, content encoder and prosody encoder*
- [2024/11] **Streaming Simply: Convolution Alone** [[paper](https://arxiv.org/abs/2411.18803)] *free-convolution*
- [2024/08] **StyleVoice: Tuning Few Weights for Controllable Speech** [[paper](https://arxiv.org/abs/2408.14713)][[demo](https://style.example.org)] *LORA*
- [2024/02] **Guidance of speech by natural language** [[paper](https://arxiv.org/abs/2402.01912)][[code](https://github.com/b/c)] *Prompt Control | Talk-TTS* :heavy_check_mark:
- [2024/01] **Small Talk: A Fast Model for Voices** [[paper](https://arxiv.org/abs/2401.00912)] *Ultravoice* :heavy_check_mark:
"""
PLACE_IN_SOME = r"""# LLMs

## Models
* Lemon: An Open Model For Mathematics [paper](https://arxiv.org/abs/2310.10631), [code](https://github.com/a/b)
* Knowledge Mixed: Joining Large Models (ICLR'24) [paper](https://arxiv.org/abs/2401.10491)
* Alternate Updates for Transformers (Fern Research) (NeurIPS'23) [paper](https://arxiv.org/pdf/2301.13310.pdf)
* Baking Models Slowly [paper](https://arxiv.org/abs/2311.01906)
* Seeing and Telling: A Vision Assistant (from Lund Labs) (NeurIPS'23) [paper](https://arxiv.org/abs/2304.08485)
"""
PAPERS_OF_DATA = r"""## Data
- Large Resources for Sentiment :
  - 33K reviews of movies
  - [homepage](https://github.com/a/resources)
  - Paper : [Quist, Hanna, and Sam R. El-Lund. "Building Large Resources For Sentiment." Computational Linguistics, 2015.](https://www.dropbox.com/s/9/Paper.pdf?dl=0)
- Slang Lexicon :
  - some 400 terms
  - Paper : [El-Lund, Sam R., and Ahmed Marsh. "Open issues in the analysis of posts: A case study." Innovations in Information Technology (IIT), 2013 9th International Conference on. IEEE, 2013.](http://example.org/IIT2013.pdf)
"""
CITED_IN_BOLD = r"""# Classics

## Translation
**[6]** Wu, Quist, Chen, Le, et al. "**A Translation System that Bridges the Gap**". In arXiv preprint arXiv:1609.08144v2, 2016. [[pdf]](https://arxiv.org/pdf/1609.08144v2.pdf) **(Milestone)** :star::star:

**[7]** Quist, Ada, and Bo Lund. "**Searching for Words**." Nature 2014. [[pdf]](https://example.org/w.pdf) :star::star:

## Optimization
* Blei, David M., Andrew Y. Ng, and Michael I. Jordan. [**"Topics of Texts."**](http://www.jmlr.org/papers/volume3/b/b.pdf) *Journal of machine Learning research* 3.Jan (2003): 993-1022.
* Quistler, Jason M., and Pablo A. Parrilo. **"Hedging of steps II: A silver schedule."** arXiv preprint arXiv:2309.16530 (2023).
* Chaney, Allison, et al. [**"Detecting Events."**](http://d.net/pdf/c.pdf) *Proceedings of the Conference on Empirical Methods in Natural Language Processing*. 2016.
* Lacoste–Holm, Simon, Ferenc Huszár, and Zoubin Ghahramani. **"Inference for the calibrated."** Proceedings of the International Conference on Artificial Intelligence and Statistics, 2011.
"""
PLACE_AND_YEAR_FIRST = r"""# CP

#### 3.1 Models
- [EMNLP'2020] [Puzzles - Solving Grids Automatically](https://aclanthology.org/2020.findings-emnlp.100/)
- [CP'2024] [Modelling with In-Context Learning](https://example.org/2024)
- [AAAI'2010] [Mining Patterns](https://example.org/2010)

#### 3.2 Benchmarks and competitions

- [NeurIPS'2022] [Opt Competition: Problems Based on Their Descriptions](https://proceedings.mlr.press/v220/ramamonjison23a.html)
- [Constraints'2024] [Ner: named entities for modelling from language](https://link.springer.com/article/10.1007/s10601-024-09376-5)
- [ArXiv'2025] [Text2X: A Dataset for Modeling](https://arxiv.org/abs/2503.10642)
"""
MONTH_OF_THE_PREPRINT = r"""# Patches

## Defences
#### [Minority Voices: Defending Patches](https://arxiv.org/abs/2004.13799)

arXiv 2004; ACNS workshop 2020

1. **Certified defense** for *detecting an attack*
2. Too expensive to scale (?)

#### [Defending Realizable Attacks](https://arxiv.org/abs/1909.09552)

arXiv 1909, ICLR 2020

1. **Empirical defense** via training

#### [Robust Attacks on Faces](https://arxiv.org/pdf/2011.13526.pdf)

arXiv 2011; Pattern Recognition
"""
SURNAME_FIRST_IN_THE_LINK = r"""# Sentiment

## Papers
1. [Quist 2002: Thumbs up or thumbs down?](http://example.org/quist.pdf)
3. [Abbasi et al. Sentiment in Many Languages: Features for Forums](http://example.org/ab.pdf)
4. [AL Marsh et al. : Learning Vectors of Words](http://example.org/marsh.pdf)
"""
KINDS: dict[str, tuple[str, Sequence[Said]]] = {
    "badges below the list's own title, papers below 'Contents'": (BADGES_BELOW_THE_TITLE, [
        ("Sparse nets learn faster", ("A. Lindqvist",), "", "2019"),
        ("Dense nets forget", ("M. Okafor", "J. Diaz"), "", "2020")]),
    "jumps never closed, topics as bullets": (JUMPS_NEVER_CLOSED, [
        ("Edges seen from afar: a detector for the horizon", (), "", ""),
        ("LinK: Linear Kernels", (), "", ""),
        ("Masks without a teacher", (), "", ""),
        ("Diffusion Models: a survey of what they cannot do", (), "", "")]),
    "a date in brackets, where the author works": (DATE_AND_AFFILIATION, [
        ("Plans that hold", ("Ada Quist",), "NeurIPS", "2023-05"),
        ("Plans that break", ("Bo Lund",), "arXiv", "2022-10"),
        ("Plans of others", ("Cy Marsh",), "ACL", "2019-04")]),
    "names in italics, then the place, then the day": (NAMES_ITALIC_PLACE_DAY, [
        ("Noise as a teacher", ("Ada Quist", "Bo Lund"), "arXiv", "2022-06-17"),
        ("Light through the mask", ("Cy Marsh", "Dee Holm"), "Visual Computer", "2023-01-26"),
        ("Steps that are skipped", ("Eve Ray", "Flo Hart"), "arXiv", "2023-02-02")]),
    "a short name before the title, 'by' in a title, a link left open": (SHORT_NAME_BEFORE, [
        ("Compass: Many Objects turned at once in Text-to-Image Generation", (), "", ""),
        ("Sampling only once, by Adversarial Guidance of the teacher", (), "", ""),
        ("Masks that nobody drew", (), "", "2025")]),
    "terms, and roles of what is said of them": (TERMS, [
        ("Walks as sentences of a graph", ("Ada Quist", "Bo Lund"), "KDD", "2014"),
        ("Lines between the nodes", ("Cy Marsh",), "WWW", "2015")]),
    "citations parted by commas alone": (COMMAS, [
        ("An Adaptive Controller for Markov Worlds", ("Ian H. Quist",), "Neural Computation", "1997"),
        ("Learning with Replaced Traces of the Past", ("Ada Quist", "Bo Lund"), "Pattern Recognition", "1996"),
        ("Policies that Never Saw a Reward", ("Cy Marsh", "Dee Holm", "Eve Ray"), "ICML", "2004")]),
    "cells that look like names and quotations": (CELLS, [
        ("DeepMap: Segmentation with Nets, Wide Kernels, and Random Fields", ("Ada Quist", "Bo Lund"), "", ""),
        ('Layers with a "Bottleneck" Structure', ("Cy Marsh",), "", ""),
        ("Faster, Better, Stronger", ("Dee Holm", "Eve Ray"), "", "")]),
    "articles of companies, with years at the end": (COMPANY_AND_YEAR, [
        ("Meet Hodor: a tool for the quality of data", (), "", "2019"),
        ("Checking data before training", (), "", "2017"),
        ("How we watch our models", (), "", "2020")]),
    "places and days as labels of links": (VENUE_AS_LABEL, [
        ("Adapting without labels at all", (), "CVPR", "2023"),
        ("Few shots for another domain", (), "", "2019-11-05"),
        ("Causes that transfer", (), "ICML", "2020")]),
    "headings with their links, names in italics below": (HEADINGS_WITH_LINKS, [
        ("Hands that hold what nobody saw", ("Ada Quist", "Bo Lund"), "", ""),
        ("Fingers in the dark", ("Cy Marsh", "Dee Holm", "Eve Ray"), "SIGGRAPH Asia", "2017")]),
    "the first name turned round, in a bullet below": (FIRST_NAME_TURNED, [
        ("Ends that argue with the middle", ("Quist, Ada H.", "Bo Lund", "Cy Marsh"), "TOCS", "1984"),
        ("Caches that forget on purpose", ("Holm, Dee", "Eve Ray", "Flo Hart"), "SOSP", "2001")]),
    "names of data sets beside their papers; products are none": (NAMES_OF_DATA_SETS, [
        ("Pairs: seven million pictures with words", (), "", ""),
        ("Talk to me: speech that was written down", (), "", "")]),
    "emoji by name before linked paragraphs, names and roles within the links": (EMOJI_BEFORE_LINKED_PARAGRAPHS, [
        ("Tidy tables", ("Ada Quist",), "", ""),
        ("Curves and their volumes: a view of simple models", (), "", ""),
        ("Nets that learn by descent by descent", (), "", ""),
        ("A search in odd space", ("Bo Lund", "Cy Marsh"), "", "")]),
    "one name before a colon, or before a full stop; without links": (ONE_NAME_BEFORE_A_COLON, [
        ("Labels and Crowds with Training", ("Ada Quist", "Bo Lund"), "", "1998"),
        ("Inference with Tears", ("Cy Marsh",), "", "2009"),
        ("Fields: Models for Sequences", ("Dee Holm", "Eve A.B. Ray"), "ICML", "2001"),
        ("Language (almost) from Scratch", ("Flo Hart",), "J. of Machine Learning Research", "2011"),
        ("Transliteration", ("Ada Quist", "Bo Lund"), "Computational Linguistics", "1992"),
        ('"Why Should I Care?": Reasons for Any Answer', ("Cy Marsh",), "KDD", "2016")]),
    "names that lead to their pages": (NAMES_THAT_ARE_LINKED, [
        ("Fields of clothes", ("Ada Quist", "Bo Lund", "Cy Marsh"), "CVPR", "2023"),
        ("Features of faces", ("Dee Holm", "Eve Ray"), "ICCV", "2023")]),
    "words before a marked title, places of links": (SEE_ALSO, [
        ("A net that knows", ("Quist",), "", "1980"),
        ("Delays in nets", ("Lund", "Marsh", "Holm"), "", "1989"),
        ("Layers of nets", ("Ray",), "", "1990")]),
    "the day of a meeting in a joint column, stars of a repository": (STARS_AND_MEETINGS, [
        ("Giants that stand still", (), "", ""), ("Facts that can be moved", (), "", "")]),
    "names of works in parentheses, a year in the name of a data set, a place within the link": (NAMES_OF_THE_WORKS, [
        ("An image and its words", (), "", ""), ("A lite learner", (), "", ""), ("From image to image", (), "", ""),
        ("Throttles that turn", (), "NSDI", "2024")]),
    "headings that end in years, links that lead nowhere; without links": (YEARS_END_HEADINGS, [
        ("Why it had no thesis", ("Ada Quist",), "", "1982"), ("Calculi of conversion", ("Bo Lund",), "", "1941"),
        ("Names and what they mean", (), "", "")]),
    "names in other letters, days whose order a column tells": (NAMES_OF_MANY_LETTERS, [
        ("A map of hands", ("You",), "", "2021-02-03"), ("A map of feet", ("И. И. Иванов",), "", "2021-02-14"),
        ("A map of heads", ("何 愷明", "佐藤 花子"), "", "2021-02-01"),
        ('A map of "known" things', ("И. И. Иванов", "П. С. Петров"), "", "2020"),
        ("Roads rediscovered", ("Ada Quist", "Bo Lund"), "", ""),
        ("Hands II: Fingers by Counting Rows and Columns", (), "", "2022")]),
    "titles in angle brackets": (ANGLED, [
        ("Learning from Fixed Sets: A Tutorial", ("Ada Quist", "Bo Lund", "Cy Marsh"), "", "2020"),
        ("Trees in batch mode", ("Dina Ernst", "Per Geurts", "Lou Wehenkel"), "JMLR", "2005"),
        ("Behavior Modelling Priors", ("Nora Siegel",), "ICLR", "2020")]),
    "a paragraph, and its links in a list below": (LINKS_IN_A_LIST_BELOW, [
        ("Labelling Unsegmented Sequences with Recurrent Networks", ("Ada Quist", "Bo Lund", "Cy Marsh"), "ICML", "2006"),
        ("Listen and Spell", ("Dan Ek", "Eva Foss"), "ICASSP", "2016"),
        ("Learning the Structure of Speech by Itself", ("Fay Holm", "Gus Ibsen"), "", "")]),
    "title, year and surnames in one link, without links to papers": (ALL_IN_THE_LINK, [
        ("How Deep are Deep Representations? Comparing Layers of Three Models", ("Quist",), "", "2019"),
        ("Discounted Learning is Not Optimization", ("Quist", "Lund", "Marsh", "Ek"), "", "2019"),
        ("Agents Upside Down", ("Foss", "Holm", "Jaśkowski"), "", "2019"),
        ("Universal Tuning for Classification", ("Ibsen", "Ruda"), "", "2018")]),
    "two labels in bold, the title, topics": (LABELS_IN_BOLD, [
        ("ActMol: Models that Reason in Space", (), "", ""),
        ("OpenHand: An Open Model of Hands", (), "", ""),
        ("Fine-Tuning Video Models for Planning", (), "", "")]),
    "remarks in italics and code behind the links": (REMARKS_BEHIND_LINKS, [
        ("FreeSound: A disentangled codec with fewer tokens", (), "", "2024-12"),
        ("Streaming Simply: Convolution Alone", (), "", "2024-11"),
        ("StyleVoice: Tuning Few Weights for Controllable Speech", (), "", "2024-08"),
        ("Guidance of speech by natural language", (), "", "2024-02"),
        ("Small Talk: A Fast Model for Voices", (), "", "2024-01")]),
    "a place in parentheses in some": (PLACE_IN_SOME, [
        ("Lemon: An Open Model For Mathematics", (), "", ""),
        ("Knowledge Mixed: Joining Large Models", (), "ICLR", "2024"),
        ("Alternate Updates for Transformers (Fern Research)", (), "NeurIPS", "2023"),
        ("Baking Models Slowly", (), "", ""),
        ("Seeing and Telling: A Vision Assistant (from Lund Labs)", (), "NeurIPS", "2023")]),
    "papers cited below data sets": (PAPERS_OF_DATA, [
        ("Building Large Resources For Sentiment", ("Quist, Hanna", "Sam R. El-Lund"), "Computational Linguistics", "2015"),
        ("Open issues in the analysis of posts: A case study", ("El-Lund, Sam R.", "Ahmed Marsh"), "Innovations in Information Technology (IIT)", "2013")]),
    "citations with the title in bold, without links": (CITED_IN_BOLD, [
        ("A Translation System that Bridges the Gap", ("Wu", "Quist", "Chen", "Le"), "arXiv", "2016"),
        ("Searching for Words", ("Quist, Ada", "Bo Lund"), "Nature", "2014"),
        ("Topics of Texts", ("Blei, David M.", "Andrew Y. Ng", "Michael I. Jordan"), "Journal of machine Learning research", "2003"),
        ("Hedging of steps II: A silver schedule", ("Quistler, Jason M.", "Pablo A. Parrilo"), "arXiv preprint", "2023"),
        ("Detecting Events", ("Chaney, Allison",), "Proceedings of the Conference on Empirical Methods in Natural Language Processing", "2016"),
        ("Inference for the calibrated", ("Lacoste–Holm, Simon", "Ferenc Huszár", "Zoubin Ghahramani"), "Proceedings of the International Conference on Artificial Intelligence and Statistics", "2011")]),
    "place and year in brackets first": (PLACE_AND_YEAR_FIRST, [
        ("Puzzles - Solving Grids Automatically", (), "EMNLP", "2020"),
        ("Modelling with In-Context Learning", (), "CP", "2024"),
        ("Mining Patterns", (), "AAAI", "2010"),
        ("Opt Competition: Problems Based on Their Descriptions", (), "NeurIPS", "2022"),
        ("Ner: named entities for modelling from language", (), "Constraints", "2024"),
        ("Text2X: A Dataset for Modeling", (), "ArXiv", "2025")]),
    "the month of a preprint for its year": (MONTH_OF_THE_PREPRINT, [
        ("Minority Voices: Defending Patches", (), "arXiv", "2020-04"),
        ("Defending Realizable Attacks", (), "ICLR", "2020"),
        ("Robust Attacks on Faces", (), "Pattern Recognition", "2020-11")]),
    "surname and year first in the link": (SURNAME_FIRST_IN_THE_LINK, [
        ("Thumbs up or thumbs down?", ("Quist",), "", "2002"),
        ("Sentiment in Many Languages: Features for Forums", ("Abbasi",), "", ""),
        ("Learning Vectors of Words", ("AL Marsh",), "", "")]),
}  # fmt: skip


def said(draft: Draft) -> Said:
    return (
        draft.title,
        tuple(name for name in draft.authors if name != OTHERS),
        draft.venue,
        draft.date or str(draft.year or ""),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_kind(kind: str) -> None:
    text, wanted = KINDS[kind]
    found = parse(text, "list.md").drafts
    assert [said(draft) for draft in found] == list(wanted)
    assert (
        all(draft.links for draft in found)
        or "left open" in kind
        or "without links" in kind
        or "names and quotations" in kind
    )


PAGE = """<html><body><table><tr><td>
<table><tr><td><p>I work on <a href="https://nerf.example.org/">maps</a>.</p></td></tr></table>
<table>
  <tr><td><img src="a.jpg"></td><td>
    <a href="https://a.example.org/"><span class="t">Anything in a map</span></a><br>
    <a href="https://b.example.org/">Ada Quist*</a>, <a href="https://c.example.org/">Bo Lund</a>, <br>
    <strong>Cy Marsh</strong><br> <em>CVPR</em>, 2025<br>
    <a href="https://a.example.org/">project page</a> / <a href="https://arxiv.org/abs/2411.00001">arXiv</a>
    <p>Maps of anything.</p></td></tr>
  <tr><td><img src="b.jpg"></td><td>
    <a href="https://arxiv.org/abs/2502.00002"><span class="t">A power of maps</span></a><br>
    <strong>Cy Marsh</strong><br> <em>ICCV</em>, 2023<br>
    <a href="https://arxiv.org/abs/2502.00002">arXiv</a></td></tr>
</table></td></tr></table></body></html>
"""
NAMES_ABOVE = """<html><body>
<div>A. Quist, <u>B. Lund</u> <br> <a href="https://arxiv.org/pdf/2306.00001">All about scenes</a> <br>
 IEEE Conference on Pattern Recognition, 2013 <br> | <a href="https://arxiv.org/abs/2306.00001"> arXiv </a> |
 <pre>@inproceedings{q13, title = "All about scenes", author = "Quist, A. and Lund, B.", year = 2013}</pre></div>
<div><u>B. Lund</u> <br> <a href="https://arxiv.org/pdf/2306.00002">Scenes at large scale</a> <br> PhD thesis, 2012 <br></div>
</body></html>
"""


def test_a_page_that_tables_lay_out_is_read_row_by_row() -> None:
    found = parse(PAGE, "index.html").drafts
    assert [said(draft) for draft in found] == [
        ("Anything in a map", ("Ada Quist", "Bo Lund", "Cy Marsh"), "CVPR", "2025"),
        ("A power of maps", ("Cy Marsh",), "ICCV", "2023"),
    ]


def test_names_stand_above_titles_and_bibtex_in_a_page() -> None:
    first, second = parse(NAMES_ABOVE, "pubs.html").drafts
    assert (first.title, first.bibtex[:20]) == ("All about scenes", "@inproceedings{q13, ")
    assert said(second) == ("Scenes at large scale", ("B. Lund",), "PhD thesis", "2012")


def test_fields_of_a_record_of_their_own_name_come_first_and_days_are_no_venue() -> None:
    text = """[{"title": "Flights", "source": "Scholar", "venue": "ICRA", "published": "2026-03-28T07:57:15Z"},
    {"title": "Landings", "source": "Scholar", "venue": "IROS", "published": "2025-01-02T00:00:00Z"}]"""
    assert [said(draft)[2:] for draft in parse(text, "a.json").drafts] == [
        ("ICRA", "2026-03-28"),
        ("IROS", "2025-01-02"),
    ]


def test_a_link_written_as_an_address_keeps_no_list_from_being_read() -> None:
    text = "- Maps [[code]]([https://arxiv.org/abs/2310.00001](https://github.com/a/b)) [[pdf]](https://arxiv.org/abs/2310.00002)\n"
    (draft,) = parse(text, "a.md").drafts
    assert [link.url for link in draft.links] == ["https://github.com/a/b", "https://arxiv.org/abs/2310.00002"]


def test_names_parted_by_semicolons_and_links_of_many_words_come_back() -> None:
    text = """- Rotations without a teacher.
  [[pdf]](https://arxiv.org/abs/2101.00001)
  - Ada Quist; Bo Lund; Cy Marsh. *CVPR 2019*
- AET vs. AED: What is learned by Turning Things rather than Data. [[pdf]](https://arxiv.org/abs/2101.00002)
  - Dee Holm, Eve Ray. *CVPR 2019*
"""
    assert [said(draft) for draft in parse(text, "a.md").drafts] == [
        ("Rotations without a teacher", ("Ada Quist", "Bo Lund", "Cy Marsh"), "CVPR", "2019"),
        ("AET vs. AED: What is learned by Turning Things rather than Data", ("Dee Holm", "Eve Ray"), "CVPR", "2019"),
    ]
    heading = "## A paper of some kind\n\n`official code - of others` link: [here](https://github.com/a/b)\n"
    (draft,) = parse(heading, "a.md").drafts
    assert [link.name for link in draft.links] == ["official code - of others"]


def test_the_days_of_a_table_are_in_one_order() -> None:
    text = "title,author,date,read\nHands,You et al.,03/02/2021,05/04/2021\nFeet,何 愷明; 佐藤 花子,04/02/2021,25/04/2021\n"
    first, second = parse(text, "a.csv").drafts
    assert (first.authors[0], first.date, str(first.read)) == ("You", "2021-02-03", "2021-04-05")
    assert (second.authors, second.date) == (("何 愷明", "佐藤 花子"), "2021-02-04")
    (alone,) = parse("title,author,date\nHands,Ada Quist,03/02/2021\n", "a.csv").drafts
    assert (alone.date, alone.year) == ("", 0)  # which is the month nothing tells
    assert "03/02/2021" in str(alone.extras)


@pytest.mark.parametrize(
    ("line", "title", "authors"),
    [
        ("[[Cells seen by X-Ray: a Study]] [[scholar]](https://arxiv.org/abs/2101.00001)", "Cells seen by X-Ray: a Study", ()),
        ("[Books and Films: Explained by Watching Films and Reading Books](https://arxiv.org/abs/1506.00001)",
         "Books and Films: Explained by Watching Films and Reading Books", ()),
        ("***Odd Captions:*** A Cleaned, Hypernymed, Image Data Set For Captions [[Paper]](https://aclanthology.org/P18-1.pdf)",
         "Odd Captions: A Cleaned, Hypernymed, Image Data Set For Captions", ()),
        ("[Fusing Parts: a Net for Edges - ECCV - 2018](https://arxiv.org/abs/1804.00001)", "Fusing Parts: a Net for Edges", ()),
        ('"Union of Tracking" ECCV (2022). [paper](https://arxiv.org/abs/2207.00001)\n  方法结构简单, 论文易读', "Union of Tracking", ()),
        ("Q<sup>3</sup>: Cubes of questions [[pdf]](https://arxiv.org/abs/2101.00002)", "Q3: Cubes of questions", ()),
        ("Quist, Adam, Lund, Bo, Ek, Cy, and Foss, Dan. Learning with memory. ICML 2016. [pdf](https://arxiv.org/abs/1605.00001)",
         "Learning with memory", ("Quist, Adam", "Lund, Bo", "Ek, Cy", "Foss, Dan")),
    ],
)  # fmt: skip
def test_titles_stay_whole(line: str, title: str, authors: tuple[str, ...]) -> None:
    (draft,) = parse(f"# Papers\n\n- {line}\n", "a.md").drafts
    assert (draft.title, draft.authors) == (title, authors)


def test_plain_titles_are_entries_although_one_of_them_has_a_link_and_contents_are_none() -> None:
    topics = ["Planning and Control", "Soft Robots", "Legged Systems"]
    titles = [f"{kind} of {thing} for Robots at Work" for kind in ("Estimates", "Plans", "Maps") for thing in
              ("Depth", "Contact", "Motion", "Noise", "Light", "Shape", "Terrain", "Speed")]  # fmt: skip
    parts = "\n\n".join(
        f"## {topic}\n\n" + "\n".join(f"- {title}" for title in titles[n::3]) for n, topic in enumerate(topics)
    )
    text = "# Robots 2020\n\n" + "\n".join(f"- {topic}" for topic in topics) + f"\n\n{parts}\n"
    text += "- [Hands that Hold](https://arxiv.org/abs/2001.00001)\n"
    assert {draft.title for draft in parse(text, "a.md").drafts} == {*titles, "Hands that Hold"}
