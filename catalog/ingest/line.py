"""One line of a list, taken apart as far as its own marks allow: links, badges, boxes, stars; the rest is a title's."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import unquote

from catalog.bibtex.identifiers import arxiv, doi
from catalog.ingest import standing, urls, values, words
from catalog.ingest.tree import Mark, Text
from catalog.models import Status

_BOX = re.compile(r"\s*\[(?P<mark>[ xX✓✔✅*/~-]?)\](?=\s)\s*")
_NUMBER = re.compile(
    r"\s*(?:\(?(?!(?:19|20)\d\d[.)])\d{1,4}[.)]\s+|\[(?!(?:19|20)\d\d\])\d{1,4}\][.:]?\s+|#\d+\s+)(?=\S)"
)
_OPTIONAL = re.compile(
    r"\(?(?P<said>optional|required|recommended|supplementary|background|bonus|main)(?: reading)?\)?[:：]\s*", re.I
)
_TASK_DAY = re.compile(r"[ \t]+(?P<sign>[📅🗓➕✅])\ufe0f?[ \t]*(?P<day>\d{4}-\d\d-\d\d)(?=\s|$)")  # of Obsidian's tasks
_DAY_OF = {"📅": "due", "🗓": "due", "➕": "added", "✅": "read"}
_LEAD = re.compile(rf"(?:[\s•·▪●|>–—-]|(?!{words.SHORT.pattern}):(?![a-z]))*")
_TAG_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
KIND_OF_WORK = re.compile(
    r"\s?\[(?:[JCMDRPSNAZ]|EB|DB|CP)(?:/OL)?\](?:\.|\s?//)\s?"
)  # as GB/T 7714 has it: "[J].", "[C]//"
_HASHTAGS = re.compile(r"(?:(?:^|[ \t]+)#(?=[^\W\d_])[\w/-]{2,40})+[ \t]*$", re.M)
_LEAD_TAG = re.compile(r"\[(?P<tag>[^\[\]]{1,40})\][\s:–—-]*")
_FIRST_DAY = re.compile(r"\s*(?P<day>\d{4}[-/.]\d\d?[-/.]\d\d?)[\s:：–—-]+(?=\S)")
_KEY = re.compile(
    r"\[{0,2}@(?P<key>[A-Za-z][\w:.-]*\d[\w:.-]*)\]{0,2}:?\s+(?=\S)"
)  # of a citation: "[[@ek2019]] A title"
_STARS = re.compile(r"(?:(?:⭐|★|🌟|:star:)\ufe0f?\s*)+☆*")
_SHORT = re.compile(rf"(?:{words.SHORT.pattern}\s*)+")
_BADGE = re.compile(r"/(?:badge|static/v1)/(?P<path>[^?#]+)|[?&]message=(?P<message>[^&]+)")
_BRACKETED = re.compile(r"[\[【](?P<label>[^\[\]【】]+)[\]】]")
_BARE = re.compile(r"(?:https?://|www\.)\S+|\S+\.\w+/\S*|(?:arxiv|doi):\S+", re.I)


_PLAIN = re.compile(r"[A-Za-z][A-Za-z ,.'-]*")
_BEFORE_LINK = re.compile(r"(?:^|[\s|,;(\[])[*_]*([A-Za-z\u3040-\u9fff]{2,14})[*_]*\s*[:：]\s*[*_]*$")
MOST_LINKS = 60  # of one line that are told apart; a line of more is no entry
QUOTES = frozenset('"“„«»‘「『《【')
_QUOTED = re.compile(
    r"[\"“„«「『《]([^\"“”„«»「」『』《》]{3,400})[\"”“»」』》]|»([^«»\n]{3,400})«"
    r"|(?<!\w)‘([^‘\n]{12,300}?)’(?![\w’])|【([^【】\n]{24,300})】"
)


class Anchor(NamedTuple):
    """A link in a line: what it is called, what kind that names ("" for none), and whether it could be a title."""

    mark: Mark
    label: str
    role: str
    titled: bool
    bracketed: bool
    image: bool


@dataclass(slots=True)
class Line:
    """A text on its way to the fields of a paper. `used` are the stretches that have found their place."""

    text: Text
    start: int = 0
    anchors: list[Anchor] = field(default_factory=list)
    used: list[tuple[int, int]] = field(default_factory=list)
    badges: list[tuple[str, str]] = field(default_factory=list)
    status: Status | None = None
    read: dt.date | None = None
    day: dt.date | None = None  # before the title; of what, the place of the entry tells
    rating: int = 0
    tags: list[str] = field(default_factory=list)
    lead_tag: str = ""
    key: str = ""
    days: dict[str, dt.date] = field(default_factory=dict)
    stop: int = 0  # where the tags or days begin that the first line ends in; 0 where there are none
    quotes: list[tuple[int, int]] = field(default_factory=list)
    mended: str = ""
    own: bool = False
    scored: dict[Any, tuple[float, tuple[int, int]]] | None = None
    stretches: list[tuple[str, int, int, bool]] | None = None
    persons: list[tuple[int, int]] = field(default_factory=list)  # names that lead to their owners' pages

    @property
    def plain(self) -> str:
        """The text itself."""
        return self.text.plain

    @property
    def rest(self) -> str:
        """The text from where its title may begin."""
        return self.text.plain[self.start :]

    @property
    def titled(self) -> bool:
        """Whether a link of it is called as a title may be."""
        return any(anchor.titled for anchor in self.anchors)

    @property
    def leads(self) -> bool:
        """Whether a link of it leads to a paper."""
        return any(map(leads_to_paper, self.anchors))

    def copy(self) -> Line:
        """A line of its own for an entry, to take from."""
        return replace(self, used=[*self.used], tags=[*self.tags], days=dict(self.days), persons=[*self.persons])

    def names_person(self, anchor: Anchor) -> bool:
        """Whether a link leads to the page of somebody who is named."""
        return any(start <= anchor.mark.start and anchor.mark.end <= end for start, end in self.persons)

    def named_before(self, anchor: Anchor) -> str:
        """The kind of a link that a label before it names, where its own names none: "code: [here](…)"."""
        before = _BEFORE_LINK.search(self.plain[max(0, anchor.mark.start - 24) : anchor.mark.start])
        return words.link_of(before[1]) if before and (not anchor.role or words.says_nothing(anchor.label)) else ""

    def free(self, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
        """The stretches between start and end that nothing has taken yet."""
        out, at = [], start
        end = len(self.plain) if end is None else end
        for first, last in sorted(self.used):
            if last <= at:
                continue
            if first >= end:
                break
            if first > at:
                out.append((at, first))
            at = max(at, last)
        return [*out, (at, end)] if at < end else out


def unwrapped(text: Text) -> Text:
    """The text with its line ends as blanks where a sentence plainly runs on."""
    if "\n" not in text.plain:
        return text
    plain = list(text.plain)
    at = 0
    for line in text.plain.split("\n")[:-1]:
        at += len(line) + 1
        rest = text.plain[at : at + 1]
        shown = values.venue(text.plain[at:].partition("\n")[0][:80]) if len(line) > 60 else None
        if shown and (shown.known or shown.date):
            continue
        names = line.rstrip().endswith(",") and values.likely_people(line.strip(" ,*")) >= 0.7  # they go on
        ended = len(line) <= 60 or line.rstrip().endswith((".", "!", "?", ":", ")", "]", "|"))
        if names or not ended or rest.islower():
            plain[at - 1] = " "
    return Text("".join(plain), text.marks)


def anchors(text: Text) -> list[Anchor]:
    """The links of a text, each judged by its own label."""
    plain = text.plain
    found: list[Anchor] = []
    images: list[Mark] = []  # those since the last link: marks of links that are pictures alone all stand at one place
    for mark in text.marks:
        images += [mark] if mark.kind == "image" else []
        if mark.kind != "link" or len(found) >= MOST_LINKS:
            continue
        label = plain[mark.start : mark.end].strip()
        inside, images = [image for image in images if mark.start <= image.start <= mark.end], []
        image = bool(inside) and not label
        if image:  # what its text says, or its badge
            said, label = " ".join(filter(None, badge_parts(inside[0].url)[:2])), inside[0].title.strip()
            label = said if not words.link_of(label) and words.link_of(said) else label or said
        before, after = plain[: mark.start].rstrip()[-1:], plain[mark.end :].lstrip()[:1]
        bracketed = before in ("[", "【") and after in ("]", "】")
        if inner := _BRACKETED.fullmatch(label):  # [[PDF]](…)
            bracketed, label = True, inner["label"].strip()
        bare = bool(_BARE.fullmatch(label)) or label == mark.url
        role = "" if bare else words.link_of(label)
        whole = label == plain.strip() and not label[:1].islower() and urls.is_paper(mark.url)
        alone = whole and role not in ("", "paper")  # a title that is such a word
        role = "" if alone else role
        points = image or bare or role or (words.is_role(label) and not alone) or mark.url.startswith("#")
        titled = not points and any(map(str.isalpha, label))
        titled = titled and (not bracketed or (mark.start <= 3 and len(label.split()) > 2))
        found.append(Anchor(mark, "" if bare else label, role, titled, bracketed, image))
    return found


def badge_parts(url: str) -> list[str]:
    """What a badge says: label and message of `badge/ICML-2021-blue`."""
    found = _BADGE.search(url)
    if not found:
        return []
    path = found["message"] or found["path"]
    path = re.sub(r"\.(?:svg|png)$", "", path)
    parts = [unquote(part.replace("\0", "-")).replace("_", " ").strip() for part in path.replace("--", "\0").split("-")]
    return [part for part in (parts[:-1] if len(parts) > 1 else parts) if part]


def marked_title(text: Text) -> Line | None:
    """A heading that ends in its status as code in brackets: all before that is the title, to the letter."""
    mark = next((m for m in reversed(text.marks) if m.kind == "code"), None)
    if not mark or text.plain[mark.end :].strip() != "]" or text.plain[: mark.start][-1:] != "[":
        return None
    status = words.status_word(text.plain[mark.start : mark.end])
    line = Line(text, status=status, own=True)
    line.anchors = anchors(text)
    line.used = [(mark.start - 1, len(text.plain))]
    return line if status else None


def prepared(text: Text) -> Line:
    """A line with all that its marks alone tell: box, number, ticks, stars, badges, links."""
    if not text.marks and _PLAIN.fullmatch(text.plain) and not standing.MAY.search(text.plain):
        return Line(text)
    line = Line(unwrapped(text))
    line.anchors = anchors(line.text)
    if not QUOTES.isdisjoint(line.plain):
        inside = [(m.start + 1, m.end - 1) for m in line.text.of("em")]  # words of a title in italics
        quotes = [m.span(m.lastindex or 0) for m in _QUOTED.finditer(line.plain[:2000])]
        long = [(c, d) for c, d in quotes if d - c > 4]
        line.quotes = [(c, d) for c, d in long if not any(a <= c and d <= b and b - a > d - c + 4 for a, b in inside)]
    line.badges = [pair for mark in line.text.of("image") if (pair := _badge(mark))]
    line.used += [kind.span() for kind in KIND_OF_WORK.finditer(line.plain)]
    _lead(line)
    _task_days(line)
    _stars(line)
    _trailing_tags(line)
    standing.trailing(line)
    return line


def idle_pictures(text: Text) -> int:
    """How many pictures say nothing that is taken: they lead nowhere, and are no badges with a value."""
    held: list[Mark] = []
    for mark in text.marks:
        if mark.kind == "image":
            held.append(mark)
        elif mark.kind == "link" and mark.url:
            held = [image for image in held if not mark.start <= image.start <= mark.end]
    return sum(_badge(image) is None for image in held)


def _badge(image: Mark) -> tuple[str, str] | None:
    parts = badge_parts(image.url)
    whole = " ".join(parts)
    if not parts or "github/stars" in image.url:
        return None
    if found := arxiv(whole.replace("arXiv ", "arXiv:"), bare=False) or arxiv(parts[-1], bare=True):
        return "arxiv", found
    if found := doi(whole):
        return "doi", found
    shown = values.venue(" ".join(parts[1:]) if len(parts) > 1 and words.field_of(parts[0]) else whole)
    if shown and shown.known and shown.name.lower() not in ("arxiv", "paper"):
        return "venue", f"{shown.name} {shown.date}".strip()
    if len(parts) > 1 and words.field_of(parts[0]) in ("venue", "date", "tags"):
        return words.field_of(parts[0]), " ".join(parts[1:])
    return None


def _lead(line: Line) -> None:
    """What stands before a title: a task box, a number, emoji, a tick, a day."""
    plain, at = line.plain, 0
    for _ in range(8):
        begin = at
        at = _LEAD.match(plain, at).end()  # type: ignore[union-attr]  # it matches nothing at least
        if box := _BOX.match(plain, at):
            done = Status.reading if box["mark"] in ("/", "~", "-") else Status.read
            line.status, at = done if box["mark"].strip() else Status.unread, box.end()
        if lead := _NUMBER.match(plain, at):
            at = lead.end()
        if said := _OPTIONAL.match(plain, at):
            line.tags.append(said["said"].lower())
            at = said.end()
        if stated := standing.leading(line, at):
            line.status, at = line.status or stated[0], stated[1]
            line.read = line.read or (line.day if stated[0] is Status.read else None)  # "2022-11-05 Finished: A title"
        day = _FIRST_DAY.match(plain, at)
        if day and (when := values.day(day["day"])):
            line.read, line.day, at = when if line.status is Status.read else None, when, day.end()
        stop = at
        while stop < len(plain) and (words.is_pictograph(plain[stop]) or plain[stop] == " "):
            stop += 1
        if short := _SHORT.match(plain, stop):
            stop = short.end()
        if plain[at:stop].strip():
            ticked, _ = words.tick(plain[at:stop].strip())
            line.status = line.status or ticked
            line.rating = line.rating or (values.rating(plain[at:stop]) if _STARS.match(plain[at:stop].strip()) else 0)
            at = stop
        if at == begin:
            break
    if key := _KEY.match(plain, at):
        line.key, at = key["key"], key.end()
    at = _past_pointers(line, at)
    tag = _LEAD_TAG.match(plain, at)
    if tag and not any(a.mark.start <= tag.start() + 1 and a.mark.end >= tag.end("tag") for a in line.anchors):
        rest = plain[tag.end() :].strip()
        known = words.status_word(tag["tag"]) if len(tag["tag"]) > 1 else None
        if known:
            line.status, at = line.status or known, tag.end()
        elif len(rest.split()) > 1 and len(tag["tag"].split()) < (5 if _TAG_YEAR.search(tag["tag"]) else 3):
            line.lead_tag, at = tag["tag"], tag.end()
    if at:
        line.used.append((0, at))
    line.start = at


def _past_pointers(line: Line, at: int) -> int:
    """Where the title begins after links that only name what they lead to: "[[PDF](…)] A title"."""
    plain, end = line.plain, at
    for anchor in line.anchors:
        if anchor.titled or not (anchor.role or anchor.bracketed) or not at <= anchor.mark.start <= end + 1:
            break
        end = anchor.mark.end
        end += len(plain[end:]) - len(plain[end:].lstrip(" ])|,:：.–—-"))
    rest = [plain[a:b] for a, b in _between(line, end)]
    return end if sum(len(re.findall(r"\w+", part)) for part in rest) > 1 else at


def _between(line: Line, at: int) -> list[tuple[int, int]]:
    out = []
    for anchor in line.anchors:
        if not anchor.titled and anchor.mark.start >= at:
            out.append((at, anchor.mark.start))
            at = anchor.mark.end
    return [*out, (at, len(line.plain))]


def _task_days(line: Line) -> None:
    """Days as Obsidian's tasks have them: 📅 due, ➕ added, ✅ done."""
    for found in _TASK_DAY.finditer(line.plain, line.start):
        if day := values.day(found["day"]):
            line.days[_DAY_OF[found["sign"]]] = day
            line.used.append(found.span())
            line.stop = min(line.stop or found.start(), found.start())
    if "read" in line.days:
        line.status, line.read = line.status or Status.read, line.days.pop("read")


def _stars(line: Line) -> None:
    for stars in _STARS.finditer(line.plain, line.start):
        if count := values.rating(stars[0]):
            line.rating = line.rating or count
            line.used.append(stars.span())


def _trailing_tags(line: Line) -> None:
    """Hashtags that a line ends in: tags, or a status; and a line that is struck out is done with."""
    for found in _HASHTAGS.finditer(line.plain, line.start) if "#" in line.plain else ():
        if any(a.mark.start < found.end() and found.start() < a.mark.end for a in line.anchors):
            continue
        for tag in found[0].split():
            status = words.status_word(tag[1:])
            line.status = line.status or status
            line.tags += [] if status else [tag[1:]]
        line.used.append(found.span())
        if not line.stop and "\n" not in line.plain[: found.start()]:
            line.stop = found.start()
    struck = any(m.start <= line.start + 1 and m.end - m.start > len(line.plain) / 2 for m in line.text.of("del"))
    line.status = line.status or (Status.read if struck else None)


def external(anchor: Anchor) -> bool:
    """Whether a link leads out into the web, or to a PDF beside the list."""
    return urls.is_external(anchor.mark.url) or anchor.mark.url.lower().endswith(".pdf")


def leads_to_paper(anchor: Anchor) -> bool:
    """Whether a link leads to a paper, by its place or its label."""
    if anchor.role not in ("", "paper"):
        return False
    return at_paper(anchor) or (anchor.role == "paper" and external(anchor) and not urls.is_front_page(anchor.mark.url))


def at_paper(anchor: Anchor) -> bool:
    """Whether the place alone tells that a link leads to a paper; a PDF beside the list does."""
    return urls.is_of_paper(anchor.mark.url)
