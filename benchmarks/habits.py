"""How much of a list is understood however it cites its works, and says what has been read.

usage: python benchmarks/habits.py [-v] [LISTS [SEED]]     -v shows what was read otherwise than it was meant

A list cites in one of the styles that journals ask for, its works in a journal, at a conference, as a preprint or a
book; or it says what has been read, when and what not, by headings, boxes, signs, words, columns or labels, in nine
languages. Both are drawn at random.
"""

from __future__ import annotations

import datetime as dt
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from formats import WORKS, Work, family, initials, read_again, same, series

from catalog.ingest import read_source

JOURNALS = ("JMLR", "Nature", "Communications of the ACM", "ACM Queue")
PLAIN = [work for work in WORKS if not any(name.split()[-2].islower() for name in work.authors)]  # no particles


class Place(NamedTuple):
    """Where a work appeared, as a citation has it."""

    name: str
    journal: bool
    year: int
    volume: int
    number: int
    first: int
    last: int


def _place(work: Work) -> Place:
    n = int(work.arxiv[-4:])
    return Place(work.venue, work.venue in JOURNALS, work.year, 3 + n % 40, 1 + n % 6, 10 + n % 300, 22 + n % 300)


def _inverted(names: Sequence[str], last: str, full: bool = False, dots: str = " ") -> str:
    """ "Quist, A., & Lund, B.", or with given names in full."""
    return series([f"{family(n)}, {n.rpartition(' ')[0] if full else initials(n, dots)}" for n in names], last)


def _first_inverted(names: Sequence[str]) -> str:
    """ "Quist, Ada, Cy Marsh, and Bo Lund"."""
    first = f"{family(names[0])}, {names[0].rpartition(' ')[0]}"
    return series([first, *names[1:]], ", and ") if len(names) > 1 else first


def _mla(names: Sequence[str]) -> str:
    return _first_inverted(names) if len(names) < 3 else f"{family(names[0])}, {names[0].rpartition(' ')[0]}, et al"


def _medical(names: Sequence[str]) -> str:
    return ", ".join(f"{family(n)} {initials(n, '').replace('.', '')}" for n in names)


def _short(names: Sequence[str], last: str = " and ") -> str:
    return series([f"{initials(n, ' ')} {family(n)}" for n in names], last if len(names) > 2 else last.lstrip(","))


def _full(names: Sequence[str]) -> str:
    return series(names, ", and " if len(names) > 2 else " and ")


def _dot(text: str) -> str:
    return text if text.endswith(("?", "!", ".")) else f"{text}."


def _apa(w: Work, p: Place, month: str = "") -> str:
    head = f"{_inverted(w.authors, ', & ')} ({p.year}{month}). {_dot(w.title)}"
    journal = f"*{p.name}*, *{p.volume}*({p.number}), {p.first}–{p.last}."
    meeting = f"In *{p.name}* (pp. {p.first}–{p.last})."
    return f"{head} {journal if p.journal else meeting}"


def _mla_style(w: Work, p: Place) -> str:
    head = f'{_dot(_mla(w.authors))} "{_dot(w.title)}"'
    journal = f"*{p.name}*, vol. {p.volume}, no. {p.number}, {p.year}, pp. {p.first}–{p.last}."
    meeting = f"*{p.name}*, {p.year}, pp. {p.first}–{p.last}."
    return f"{head} {journal if p.journal else meeting}"


def _chicago(w: Work, p: Place) -> str:
    head = f'{_dot(_first_inverted(w.authors))} "{_dot(w.title)}"'
    journal = f"*{p.name}* {p.volume}, no. {p.number} ({p.year}): {p.first}–{p.last}."
    meeting = f"In *{p.name}*, {p.first}–{p.last}. {p.year}."
    return f"{head} {journal if p.journal else meeting}"


def _author_date(w: Work, p: Place) -> str:
    head = f"{_dot(_first_inverted(w.authors))} {p.year}. “{_dot(w.title)}”"
    journal = f"*{p.name}* {p.volume} ({p.number}): {p.first}–{p.last}."
    meeting = f"In *{p.name}*, {p.first}–{p.last}."
    return f"{head} {journal if p.journal else meeting}"


def _harvard(w: Work, p: Place) -> str:
    head = f"{_inverted(w.authors, ' and ', dots='')}, {p.year}. {_dot(w.title)}"
    journal = f"*{p.name}*, {p.volume}({p.number}), pp.{p.first}-{p.last}."
    meeting = f"In *{p.name}* (pp. {p.first}-{p.last})."
    return f"{head} {journal if p.journal else meeting}"


def _ieee(w: Work, p: Place) -> str:
    head = f'{_short(w.authors, ", and ")}, "{w.title},"'
    journal = f"*{p.name}*, vol. {p.volume}, no. {p.number}, pp. {p.first}–{p.last}, {p.year}."
    meeting = f"in *Proc. {p.name}*, {p.year}, pp. {p.first}–{p.last}."
    return f"{head} {journal if p.journal else meeting}"


def _vancouver(w: Work, p: Place) -> str:
    head = f"{_medical(w.authors)}. {_dot(w.title)}"
    journal = f"{p.name}. {p.year};{p.volume}({p.number}):{p.first}-{p.last}."
    meeting = f"In: {p.name}; {p.year}. p. {p.first}-{p.last}."
    return f"{head} {journal if p.journal else meeting}"


def _acm(w: Work, p: Place) -> str:
    head = f"{_full(w.authors)}. {p.year}. {_dot(w.title)}"
    journal = f"*{p.name}* {p.volume}, {p.number} ({p.year}), {p.first}–{p.last}."
    meeting = f"In *{p.name}*. ACM, {p.first}–{p.last}."
    return f"{head} {journal if p.journal else meeting}"


def _nature(w: Work, p: Place) -> str:
    head = f"{_inverted(w.authors, ' & ')} {_dot(w.title)}"
    journal = f"*{p.name}* **{p.volume}**, {p.first}–{p.last} ({p.year})."
    meeting = f"In *{p.name}* {p.first}–{p.last} ({p.year})."
    return f"{head} {journal if p.journal else meeting}"


def _acl(w: Work, p: Place) -> str:
    head = f"{_full(w.authors)}. {p.year}. {_dot(w.title)}"
    journal = f"*{p.name}*, {p.volume}({p.number}):{p.first}–{p.last}."
    meeting = f"In *Proceedings of {p.name}*, pages {p.first}–{p.last}."
    return f"{head} {journal if p.journal else meeting}"


def _plain(w: Work, p: Place) -> str:
    head = f"{_full(w.authors)}. {_dot(w.title)}"
    journal = f"*{p.name}*, {p.volume}({p.number}):{p.first}–{p.last}, {p.year}."
    meeting = f"In *{p.name}*, pages {p.first}–{p.last}, {p.year}."
    return f"{head} {journal if p.journal else meeting}"


def _gbt(w: Work, p: Place) -> str:
    head = f"{_medical(w.authors)}. {w.title}"
    journal = f"[J]. {p.name}, {p.year}, {p.volume}({p.number}): {p.first}-{p.last}."
    meeting = f"[C]//{p.name}. {p.year}: {p.first}-{p.last}."
    return f"{head}{journal if p.journal else meeting}"


def _dblp(w: Work, p: Place) -> str:
    head = f"{', '.join(w.authors)}: {_dot(w.title)}"
    journal = f"{p.name} {p.volume}({p.number}): {p.first}-{p.last} ({p.year})"
    meeting = f"{p.name} {p.year}: {p.first}-{p.last}"
    return f"{head} {journal if p.journal else meeting}"


def _lncs(w: Work, p: Place) -> str:
    head = f"{_inverted(w.authors, ', ', dots='')}: {_dot(w.title)}"
    journal = f"{p.name} {p.volume}({p.number}), {p.first}–{p.last} ({p.year})"
    meeting = f"In: {p.name}, pp. {p.first}–{p.last} ({p.year})"
    return f"{head} {journal if p.journal else meeting}"


def _preprint(w: Work, p: Place) -> str:
    return f"{_full(w.authors)}. {_dot(w.title)} arXiv preprint arXiv:{w.arxiv}, {p.year}."


STYLES: dict[str, Callable[[Work, Place], str]] = {
    "APA": _apa, "APA, month": lambda w, p: _apa(w, p, ", June"), "MLA": _mla_style, "Chicago": _chicago,
    "author-date": _author_date, "Harvard": _harvard, "IEEE": _ieee, "Vancouver": _vancouver, "ACM": _acm,
    "Nature": _nature, "ACL": _acl, "plain": _plain, "GB/T": _gbt, "DBLP": _dblp, "LNCS": _lncs, "preprint": _preprint,
}  # fmt: skip
CITED_LINK = ("", "", " U", " [[pdf](U)]", " [link](U)", " https://doi.org/10.5555/D")
BULLETS = ("- ", "* ", "1. ", "", "[N] ", "- [ ] ", "N. ")


def cited(draw: random.Random) -> tuple[str, str, list[Work], str]:
    """A list of citations in one style: its style, its text, its works, and what it states."""
    style, link, bullet = draw.choice(list(STYLES)), draw.choice(CITED_LINK), draw.choice(BULLETS)
    works = draw.sample(PLAIN, draw.choice((2, 3, 5, 8)))
    lines = []
    for number, work in enumerate(works, 1):
        said = link.replace("U", f"https://arxiv.org/abs/{work.arxiv}").replace("/D", f"/{work.arxiv}")
        lines.append(bullet.replace("N", str(number)) + STYLES[style](work, _place(work)) + said)
    apart = "\n\n" if not bullet.strip() or (bullet[0] == "[" and draw.random() < 0.5) else "\n"
    head = draw.choice(("", "# References\n\n", "# Reading list\n\n## Learning\n\n", "## Publications\n\n"))
    states = "AY" if style == "preprint" else "AVY"
    return style, head + apart.join(lines) + "\n", works, states


HEADINGS = (  # what is read, what is not
    ("Read", "To read"), ("Finished", "Queue"), ("Done", "Backlog"), ("Already read", "Want to read"),
    ("已读", "未读"), ("读过", "待读"), ("既読", "未読"), ("読んだ", "これから読む"), ("읽은 논문", "읽을 논문"),
    ("Gelesen", "Ungelesen"), ("Gelesen", "Zu lesen"), ("Lu", "À lire"), ("Déjà lus", "À lire"),
    ("Leídos", "Por leer"), ("Leído", "Pendiente"), ("Lidos", "Para ler"), ("Lido", "A ler"),
    ("Прочитано", "Прочитать"), ("Прочитано", "К прочтению"),
)  # fmt: skip
BEFORE = (("DONE:", "TODO:"), ("**Read:**", "**Unread:**"))
SIGNS = (
    ("✅", "⬜"), ("✓", "✗"), ("☑", "☐"), ("✔️", "❌"), ("🟢", "🔴"), ("[x]", "[ ]"), ("(read)", "(unread)"),
    ("[READ]", "[TODO]"), ("DONE", "TODO"), ("✅ Read", "⏳ To read"), ("`read`", "`unread`"), ("已读", "未读"),
    (":white_check_mark:", ":x:"), ("#read", "#toread"),
)  # fmt: skip
DAYS = (
    "(read {day})", "— read on {day}", "✅ {day}", "(read {day:%B %d, %Y})", "(finished {day:%d %B %Y})", "read {day}",
    "[read: {day}]", "| read {day}", "— gelesen am {day:%d.%m.%Y}", "— lu le {day:%d/%m/%Y}",
    "（{day:%Y年%m月%d日} 已读）", "— leído el {day:%d/%m/%Y}", "— lido em {day:%d/%m/%Y}",
)  # fmt: skip
COLUMNS = (
    ("Status", "read", "unread"), ("Read?", "yes", "no"), ("Done", "x", ""), ("状态", "已读", "未读"),
    ("Read", "✓", ""), ("Progress", "Done", "Not started"), ("Gelesen", "ja", "nein"), ("Lu", "oui", "non"),
    ("State", "finished", "to read"), ("Estado", "leído", "pendiente"),
)  # fmt: skip
LABELS = (
    ("status:: {}", "done", "todo"), ("- Status: {}", "Read", "Unread"), ("- status:: {}", "read", "to-read"),
    ("Status: {}", "finished", "not started"), ("- **Status**: {}", "✅ Read", "⬜ To read"),
    ("- 状态：{}", "已读", "未读"),
)  # fmt: skip
LINES = (
    "{t}, {a}, {v} {y}", "**{t}** — {a} ({v} {y})", '"{t}" by {a} ({y})', "[{t}]({u})", "[{t}]({u}) - {a}",
    "{a}. {t}. {v}, {y}.", "*{t}*. {a}. {v} {y}. [pdf]({u})", "{t}",
)  # fmt: skip


class Said(NamedTuple):
    """A work with its line in a list, whether it has been read, and when."""

    work: Work
    line: str
    read: bool
    day: dt.date


def _under_headings(draw: random.Random, said: Sequence[Said]) -> str:
    mark, names, bullet = draw.choice(("## {}", "### {}", "**{}**")), draw.choice(HEADINGS), draw.choice(("- ", "1. "))
    parts = {
        name: [f"{bullet}{one.line}" for one in said if one.read is read]
        for name, read in draw.sample([(names[0], True), (names[1], False)], 2)
    }
    return "\n\n".join("\n".join([mark.format(name), "", *lines]) for name, lines in parts.items())


def _before(draw: random.Random, said: Sequence[Said]) -> str:
    signs = draw.choice((*BEFORE, *SIGNS))
    return "\n".join(f"- {signs[not one.read]} {one.line}" for one in said)


def _after(draw: random.Random, said: Sequence[Said]) -> str:
    signs = draw.choice(SIGNS)
    return "\n".join(f"- {one.line} {signs[not one.read]}" for one in said)


def _days(draw: random.Random, said: Sequence[Said]) -> str:
    form, bullet = draw.choice(DAYS), draw.choice(("- ", "* ", "1. "))
    return "\n".join(f"{bullet}{one.line} {form.format(day=one.day) if one.read else ''}".rstrip() for one in said)


def _column(draw: random.Random, said: Sequence[Said]) -> str:
    name, *signs = draw.choice(COLUMNS)
    order = draw.sample(range(4), 4)
    rows = [("Title", "Authors", "Year", name), ("---",) * 4]
    for one in said:
        title = f"[{one.work.title}](https://arxiv.org/abs/{one.work.arxiv})"
        rows.append((title, _full(one.work.authors), str(one.work.year), signs[not one.read]))
    return "\n".join(f"| {' | '.join(row[n] for n in order)} |" for row in rows)


def _label(draw: random.Random, said: Sequence[Said]) -> str:
    form, *signs = draw.choice(LABELS)
    return "\n".join(f"- {one.line}\n  {form.format(signs[not one.read])}" for one in said)


TELLING = {
    "headings": _under_headings, "before": _before, "after": _after, "days": _days, "column": _column, "label": _label,
}  # fmt: skip


def diary(draw: random.Random) -> tuple[str, str, list[Said]]:
    """A list that says what has been read: how, its text, and its works."""
    telling, form = draw.choice(list(TELLING)), draw.choice(LINES)
    said = []
    for n, work in enumerate(draw.sample(PLAIN, draw.choice((2, 4, 6)))):
        url = f"https://arxiv.org/abs/{work.arxiv}"
        line = form.format(t=work.title, a=_full(work.authors), v=work.venue, y=work.year, u=url)
        read = n == 0 or (n > 1 and draw.random() < 0.5)
        said.append(Said(work, line, read, dt.date(2021 + n % 3, 1 + (n * 5) % 12, 13 + n)))
    title = draw.choice(("", "# Papers\n\n"))
    return telling, f"{title}{TELLING[telling](draw, said)}\n", said


def read_diary(text: str, said: Sequence[Said], dated: bool) -> tuple[Counter[str], list[str]]:
    """What of it was read as it was meant: "T" titles, "S" whether they have been read, "D" when; and what was not."""
    count: Counter[str] = Counter()
    wrong: list[str] = []
    drafts = list(read_source("list.md", text.encode(), {}).drafts)

    def hold(kind: str, right: bool, *told: object) -> None:
        count.update({kind: right, f"{kind} of": 1})
        if not right:
            wrong.append(f"{kind} {told}")

    for one in said:
        draft = next((draft for draft in drafts if same(draft.title, one.work.title)), None)
        hold("T", draft is not None, one.work.title, [draft.title for draft in drafts][:3])
        if draft:
            hold("S", (draft.status == "read") is one.read, one.work.title, one.read, draft.status)
            if dated and one.read:
                hold("D", draft.read == one.day, one.work.title, one.day, draft.read)
    hold("no more", len(drafts) <= len(said), [draft.title for draft in drafts])
    return count, wrong


def measure(lists: int, seed: int, verbose: bool = False) -> dict[str, Counter[str]]:
    """What was read as it was meant, by style or way of telling, over so many lists of each."""
    total: dict[str, Counter[str]] = defaultdict(Counter)
    for number in range(lists):
        draw = random.Random(f"{seed}.{number}")
        style, text, works, states = cited(draw)
        telling, told, said = diary(draw)
        for name, what, written, (count, wrong) in (
            ("cited", style, text, read_again(text, works, states)),
            ("read", telling, told, read_diary(told, said, telling == "days")),
        ):
            total[name] += count
            total[f"{name} {what}"] += count
            if verbose and wrong:
                print(f"--- {number} {name} {what}\n{written[:900]}", *wrong[:4], sep="\n")
    return total


def main() -> None:
    """Print the shares."""
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    lists, seed = (*numbers, *(200, 1)[len(numbers) :])
    for name, count in sorted(measure(lists, seed, "-v" in sys.argv).items()):
        kinds = (kind for kind in ("T", "A", "V", "Y", "S", "D", "no more") if count[f"{kind} of"])
        print(f"{name:20}", *(f"{kind} {count[kind]}/{count[f'{kind} of']}" for kind in kinds), sep="  ")


if __name__ == "__main__":
    main()
