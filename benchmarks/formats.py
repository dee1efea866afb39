"""How much of a list is understood whatever its format: papers are written in formats drawn at random, and read again.

usage: python benchmarks/formats.py [-v] [FORMATS [SEED]]     -v shows what was read otherwise than it was meant

A format is a container (a line, lines, items below an item, a heading with lines, a quote or labels below it, a row),
an order of title, names and place, marks, separators, a form of the names, of the place and of the links. What no
reader could tell apart, as names and a title with nothing between them, is not drawn.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from catalog.ingest import read_source


class Work(NamedTuple):
    """A paper, with the parts of it that a list may state."""

    title: str
    authors: tuple[str, ...]
    venue: str
    year: int
    arxiv: str


def _works(table: str) -> list[Work]:
    rows = (row.split(" | ") for row in table.strip().splitlines())
    return [Work(title, tuple(names.split(", ")), venue, int(year), arxiv) for title, names, venue, year, arxiv in rows]


WORKS = _works("""
Dropout: A Simple Way to Prevent Neural Networks from Overfitting | Nitish Srivastava, Geoffrey Hinton, Alex Krizhevsky, Ilya Sutskever | JMLR | 2014 | 1207.0580
Sequence to Sequence Learning with Neural Networks | Ilya Sutskever, Oriol Vinyals, Quoc V. Le | NIPS | 2014 | 1409.3215
Auto-Encoding Variational Bayes | Diederik P. Kingma, Max Welling | ICLR | 2014 | 1312.6114
Generative Adversarial Nets | Ian Goodfellow, Jean Pouget-Abadie, Mehdi Mirza | NeurIPS | 2014 | 1406.2661
You Only Look Once: Unified, Real-Time Object Detection | Joseph Redmon, Santosh Divvala, Ross Girshick, Ali Farhadi | CVPR | 2016 | 1506.02640
Are We Really Making Much Progress? A Worrying Analysis of Recent Neural Recommendation Approaches | Maurizio Ferrari Dacrema, Paolo Cremonesi, Dietmar Jannach | RecSys | 2019 | 1907.06902
In Search of an Understandable Consensus Algorithm | Diego Ongaro, John Ousterhout | USENIX ATC | 2014 | 1406.99901
Spanner: Google's Globally-Distributed Database | James C. Corbett, Jeffrey Dean, Michael Epstein | OSDI | 2012 | 1206.99902
Graph Attention Networks | Petar Veličković, Guillem Cucurull, Arantxa Casanova | ICLR | 2018 | 1710.10903
Denoising Diffusion Probabilistic Models | Jonathan Ho, Ajay Jain, Pieter Abbeel | NeurIPS | 2020 | 2006.11239
FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness | Tri Dao, Daniel Y. Fu, Stefano Ermon | NeurIPS | 2022 | 2205.14135
NeRF: Representing Scenes as Neural Radiance Fields for View Synthesis | Ben Mildenhall, Pratul P. Srinivasan, Matthew Tancik | ECCV | 2020 | 2003.08934
Deep Unsupervised Learning using Nonequilibrium Thermodynamics | Jascha Sohl-Dickstein, Eric A. Weiss, Surya Ganguli | ICML | 2015 | 1503.03585
Don't Stop Pretraining: Adapt Language Models to Domains and Tasks | Suchin Gururangan, Ana Marasović, Swabha Swayamdipta | ACL | 2020 | 2004.10964
SQuAD: 100,000+ Questions for Machine Comprehension of Text | Pranav Rajpurkar, Jian Zhang, Konstantin Lopyrev, Percy Liang | EMNLP | 2016 | 1606.05250
Human-level control through deep reinforcement learning | Volodymyr Mnih, Koray Kavukcuoglu, David Silver | Nature | 2015 | 1502.99903
A Few Useful Things to Know About Machine Learning | Pedro Domingos | Communications of the ACM | 2012 | 1201.99904
The Mythos of Model Interpretability | Zachary C. Lipton | ACM Queue | 2018 | 1606.03490
On Calibration of Modern Neural Networks | Chuan Guo, Geoff Pleiss, Yu Sun, Kilian Q. Weinberger | ICML | 2017 | 1706.04599
Visualizing Data using t-SNE | Laurens van der Maaten, Geoffrey Hinton | JMLR | 2008 | 0801.99905
Is Attention Explanation? An Introduction to the Debate | Adrien Bibal, Rémi Cardon, David Alfter | ACL | 2022 | 2205.99907
Mamba: Linear-Time Sequence Modeling with Selective State Spaces | Albert Gu, Tri Dao | COLM | 2024 | 2312.00752
Segment Anything | Alexander Kirillov, Eric Mintun, Nikhila Ravi | ICCV | 2023 | 2304.02643
Stochastic Gradient Hamiltonian Monte Carlo | Tianqi Chen, Emily B. Fox, Carlos Guestrin | ICML | 2014 | 1402.4102
""")  # fmt: skip


def family(name: str) -> str:
    """The last word of a name."""
    return name.rpartition(" ")[2]


def initials(name: str, after: str) -> str:
    """The initials of all but the last word of a name, with `after` between them."""
    return after.join(f"{part[0]}." for part in re.split(r"[ .]+", name.rpartition(" ")[0]) if part)


def series(names: Sequence[str], last: str) -> str:
    """Names with commas between them, and `last` before the last."""
    return last.join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


Names = Sequence[str]
NAMES: dict[str, Callable[[Names], str]] = {
    "Ada Quist, Bo Lund": ", ".join,
    "Ada Quist, Cy Marsh, and Bo Lund": lambda names: series(names, ", and " if len(names) > 2 else " and "),
    "Ada Quist & Bo Lund": lambda names: series(names, " & "),
    "Ada Quist; Bo Lund": "; ".join,
    "A. Quist and B. Lund": lambda names: series([f"{initials(n, ' ')} {family(n)}" for n in names], " and "),
    "Quist, A.; Lund, B.": lambda names: "; ".join(f"{family(n)}, {initials(n, ' ')}" for n in names),
    "Quist, A., & Lund, B.": lambda names: series([f"{family(n)}, {initials(n, ' ')}" for n in names], ", & "),
    "Quist, Ada; Lund, Bo": lambda names: "; ".join(f"{family(n)}, {n.rpartition(' ')[0]}" for n in names),
    "Quist A, Lund B": lambda names: ", ".join(f"{family(n)} {initials(n, '').replace('.', '')}" for n in names),
    "Quist et al.": lambda names: (
        family(names[0]) + ("", f" and {family(names[-1])}", " et al.")[min(len(names), 3) - 1]
    ),
    "Ada Quist et al.": lambda names: names[0] + (" et al." if len(names) > 1 else ""),
}
PLACES: dict[str, Callable[[str, int], str]] = {
    "ICML 2021": lambda venue, year: f"{venue} {year}",
    "ICML'21": lambda venue, year: f"{venue}'{year % 100:02}",
    "ICML, 2021": lambda venue, year: f"{venue}, {year}",
    "ICML (2021)": lambda venue, year: f"{venue} ({year})",
    "2021 ICML": lambda venue, year: f"{year} {venue}",
    "ICML-2021": lambda venue, year: f"{venue}-{year}",
    "2021": lambda _venue, year: str(year),
}
TITLES = ("{}", "{}", "**{}**", "*{}*", '"{}"', "“{}”", "[{}](U)", "[{}](U)", "**[{}](U)**", "[**{}**](U)", "`{}`")
BY = ("{}", "{}", "{}", "*{}*", "_{}_", "({})", "by {}", "**{}**")
IN = ("{}", "{}", "*{}*", "({})", "[{}]", "`{}`", "**{}**")
LINKS = ("[[paper](U)]", "[paper](U)", "[PDF](U) | [Code](C)", "[[pdf](U)] [[code](C)]", "U", "[📄](U)", "<U>",
         "[arXiv](U), [GitHub](C)", "([link](U))", "[![arXiv](https://img.shields.io/badge/arXiv-ID-b31b1b.svg)](U)",
         "")  # fmt: skip
BESIDE = ("", "", "[[code](C)]", "([code](C))")  # links beside a title that is one
APART = (", ", ". ", " - ", " — ", " | ", " · ", " ", "; ", " / ")
BULLETS = ("- ", "* ", "1. ", "- [ ] ", "- [x] ", "+ ", "", "• ")
ORDERS = ("TAV", "TAV", "TVA", "ATV", "VTA", "AVT")
COLUMNS = {"T": ("Title", "Paper", "Name", "Paper title", "Work"), "A": ("Authors", "Author", "Who", "First author(s)"),
           "V": ("Venue", "Conference", "Where", "Publication", "Journal/Conf"), "Y": ("Year",),
           "L": ("Link", "URL", "PDF", "Links"), "#": ("#", "No.", "ID"), "N": ("Notes", "Comment", "Why")}  # fmt: skip
CONTAINERS = ("line", "line", "line", "lines", "nested", "heading", "quote", "labels", "table")


class Format:
    """A format of a list, drawn at random; `states` are what it says: "A" names, "V" a venue, "Y" a year."""

    def __init__(self, draw: random.Random) -> None:
        while True:
            self.draw = draw
            self.container = draw.choice(CONTAINERS)
            self.title, self.by, self.place = draw.choice(TITLES), draw.choice(BY), draw.choice(IN)
            self.links = draw.choice(BESIDE if "(U)" in self.title else LINKS)
            self.names, self.places = draw.choice(("", *NAMES)), draw.choice(("", *PLACES))
            self.order, self.apart, self.bullet = draw.choice(ORDERS), draw.choice(APART), draw.choice(BULLETS)
            if self._readable():
                break
        self.states = ("A" if self.names else "") + ("V" if self.places not in ("", "2021") else "")
        self.states += "Y" if self.places else ""

    def _readable(self) -> bool:
        plain = self.title == "{}"
        if self.container == "quote" and not (self.names or self.places):
            return False
        if self.container != "line":
            return True
        runs_on = self.apart == " " and (plain or self.by == "{}")
        within = (self.apart == "; " and ";" in self.names) or (
            self.apart == ", " and plain and "," in self.names and self.order[0] == "A"
        )
        alone = plain and not (self.links or self.names or self.places)
        return not (runs_on or within or (alone and not self.bullet) or (self.by == "by {}" and self.apart[0] == " "))

    def __str__(self) -> str:
        drawn = (self.bullet, self.order, self.title, self.names, self.by, self.places, self.place, self.apart)
        return f"{self.container} {drawn} {self.links}"

    def _parts(self, work: Work) -> dict[str, str]:
        url, code = f"https://arxiv.org/abs/{work.arxiv}", f"https://github.com/{work.arxiv[:4]}/{work.arxiv[5:]}"

        def linked(text: str) -> str:
            return re.sub(r"\bU\b", url, text.replace("ID", work.arxiv)).replace("(C)", f"({code})")

        names = self.by.format(NAMES[self.names](work.authors)) if self.names else ""
        place = self.place.format(PLACES[self.places](work.venue, work.year)) if self.places else ""
        return {"T": linked(self.title).format(work.title), "A": names, "V": place, "L": linked(self.links)}

    def write(self, works: Sequence[Work]) -> str:
        """The list of some papers."""
        if self.container == "table":
            return self._table(works)
        write = getattr(self, f"_{self.container}")
        return "\n".join(write(self._parts(work), work) for work in works) + "\n"

    def _line(self, parts: dict[str, str], _work: Work) -> str:
        said = [parts[one] for one in self.order if parts[one]]
        line = said[0]
        for part in said[1:]:
            ended = self.apart == ". " and line.endswith((".", "?", "!", '"', "”"))
            line += (" " if ended or (self.apart in (". ", ", ") and part[0] == "(") else self.apart) + part
        return f"{self.bullet}{line} {parts['L']}".rstrip() + ("" if self.bullet not in ("", "• ") else "\n")

    def _lines(self, parts: dict[str, str], _work: Work) -> str:
        bullet = self.bullet if self.bullet not in ("", "• ") else ""
        lines = ("  \n" + "  " * bool(bullet)).join(filter(None, (parts[one] for one in "TAVL")))
        return f"{bullet}{lines}" + ("" if bullet else "\n")

    def _nested(self, parts: dict[str, str], _work: Work) -> str:
        return "\n  - ".join([f"- {parts['T']}", *filter(None, (parts[one] for one in "AVL"))])

    def _heading(self, parts: dict[str, str], _work: Work) -> str:
        apart = (" · ", "\n\n", "  \n", " | ")[len(self.title + self.by) % 4]
        return f"### {parts['T']}\n{apart.join(filter(None, (parts[one] for one in 'AVL')))}\n"

    def _quote(self, parts: dict[str, str], _work: Work) -> str:
        apart = (" · ", ", ", "  \n> ", " | ")[len(self.title + self.by) % 4]
        return f"#### {parts['T']}\n> {apart.join(filter(None, (parts[one] for one in 'AVL')))}\n"

    def _labels(self, parts: dict[str, str], work: Work) -> str:
        label = ("- **{}**: {}", "- {}: {}", "**{}:** {}  ")[len(self.title + self.by) % 3]
        said = {"Author(s)": NAMES[self.names](work.authors) if self.names else "",
                "Published in" if "V" in self.states else "Year": parts["V"].strip("*()[]`"),
                "Paper": f"https://arxiv.org/abs/{work.arxiv}"}  # fmt: skip
        return "\n".join([f"### {parts['T']}", *(label.format(*pair) for pair in said.items() if pair[1])]) + "\n"

    def _table(self, works: Sequence[Work]) -> str:
        draw, apart = self.draw, "V" in self.states and self.draw.random() < 0.5
        shown = {
            "T",
            "L",
            "#",
            "N",
            *(self.states if apart or "V" not in self.states else self.states.replace("Y", "")),
        }
        columns = [one for one in draw.sample("TAVYL#N", 7) if one in shown]
        rows = [[draw.choice(COLUMNS[one]) for one in columns], ["---"] * len(columns)]
        for number, work in enumerate(works, 1):
            place = work.venue if apart or not self.places else PLACES[self.places](work.venue, work.year)
            cells = {"T": self._parts(work)["T"], "A": NAMES[self.names](work.authors) if self.names else "",
                     "V": place, "Y": str(work.year), "L": f"[link](https://arxiv.org/abs/{work.arxiv})",
                     "#": str(number), "N": draw.choice(("good", "to discuss", "", "read again"))}  # fmt: skip
            rows.append([cells[one] for one in columns])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def same(one: str, other: str) -> bool:
    """Whether two titles have the same letters."""
    return re.sub(r"[\W_]+", "", one).casefold() == re.sub(r"[\W_]+", "", other).casefold()


def read_again(text: str, works: Sequence[Work], states: str) -> tuple[Counter[str], list[str]]:
    """What of a list was read as it was meant, with how much there was ("T", "T of" …), and what was not."""
    count: Counter[str] = Counter()
    wrong: list[str] = []
    drafts = list(read_source("list.md", text.encode(), {}).drafts)

    def hold(kind: str, right: bool, *said: object) -> None:
        count[kind] += right
        count[f"{kind} of"] += 1
        if not right:
            wrong.append(f"{kind} {said}")

    for work in works:
        draft = next((one for one in drafts if same(one.title, work.title)), None)
        hold("T", draft is not None, work.title, [one.title for one in drafts][:3])
        if draft is None:
            continue
        if "A" in states:
            families = [family(name) for name in work.authors]
            read = [name for name in draft.authors if name != "others"]
            right = bool(read) and all(one in name for one, name in zip(families, read, strict=False))
            hold("A", right and (len(read) == len(families) or "others" in draft.authors), families, draft.authors)
        if "V" in states:
            hold("V", work.venue.casefold() in draft.venue.casefold(), work.venue, draft.venue)
        if "Y" in states:
            hold("Y", str(work.year) == str(draft.year or draft.date[:4]), work.year, draft.year, draft.date)
    hold("no more", len(drafts) <= len(works), [one.title for one in drafts])
    return count, wrong


def measure(formats: int, seed: int, verbose: bool = False) -> dict[str, Counter[str]]:
    """What was read as it was meant, by container, over so many formats."""
    total: dict[str, Counter[str]] = defaultdict(Counter)
    for number in range(formats):
        draw = random.Random(f"{seed}.{number}")
        format_, works = Format(draw), draw.sample(WORKS, draw.choice((3, 4, 5, 8)))
        text = draw.choice(("", "# Papers\n\n", "# Reading list\n\n## Learning\n\n")) + format_.write(works)
        count, wrong = read_again(text, works, format_.states)
        total[format_.container] += count
        total["all"] += count
        if verbose and wrong:
            print(f"--- {number} {format_}\n{text[:700]}", *wrong[:4], sep="\n")
    return total


def main() -> None:
    """Print the shares."""
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    formats, seed = (*numbers, *(300, 1)[len(numbers) :])
    for container, count in sorted(measure(formats, seed, "-v" in sys.argv).items()):
        shares = (f"{kind} {count[kind]}/{count[f'{kind} of']}" for kind in ("T", "A", "V", "Y", "no more"))
        print(f"{container:8}", *shares, sep="  ")


if __name__ == "__main__":
    main()
