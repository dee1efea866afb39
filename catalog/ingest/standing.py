"""What a line says of reading, before its title or behind it: whether the work has been read, and when."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from catalog.ingest import urls, values, words
from catalog.models import Status

if TYPE_CHECKING:
    from catalog.ingest.line import Line

_WORDS = r"[^\W\d_]+(?:[ -][^\W\d_]+){0,2}"
MAY = re.compile(r"\b[A-Z]{3,}\b| - \w+(?: \w+)?$")  # what text without any marks may say a status by
_MARKED = re.compile(  # "#read …", "(read) …", "TODO: …"
    rf"#(?P<tag>[\w-]{{2,20}})\s+|\((?P<inside>{_WORDS})\)\s+|(?P<said>{_WORDS})\s?[:：]\s*"
)
_FIRST = re.compile(r"(?:re-?)?[^\W\d_]+(?: [^\W\d_]+){0,2}(?=[:\s]+\S)")  # "DONE …", "Finished [a title](…)"
_BOX = re.compile(r"\s\[(?P<mark>[ xX✓✔✅]?)\]\s*$")
_TRAILING = re.compile(r"[\[【(]\s*(?P<word>[^\[\]()【】]{1,24}?)\s*[\])】]\s*$")
_SPOKEN = re.compile(r"\S+")
_REACH = 40  # characters at the end of a line in which a status is looked for
_TICKS = "`'\"‘’“”*_ "
_DAY = re.compile(
    r"(?<![\d/.-])(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{4} ?年 ?\d{1,2} ?月 ?\d{1,2} ?日"
    r"|\d{1,2}(?:[./]|\. )\d{1,2}(?:[./]|\. )\d{4}|[^\W\d_]{3,9}\.? \d{1,2},? \d{4}"
    r"|\d{1,2}\.? (?:de )?[^\W\d_]{3,9}\.? (?:de )?\d{4})(?!\d)"
)
_YEAR = re.compile(r"\d{4}")
_SIGN = re.compile(r"[✅☑✔✓]\ufe0f?[\s(]*$")
_SAID = re.compile(r"(?P<said>[^\W\d_]+(?: [^\W\d_]+){0,2}) ?[:：]?[\s(（]*$")
_ON = re.compile(r" (?:on|am|le|el|em)$", re.I)  # "leído el 3 de marzo de 2021"
_BEHIND = re.compile(r"\s*[\u3040-\u9fff\uac00-\ud7af]{2,4}")
_ENGLISH = re.compile(r"\b(?:read|finished|completed|done)\b", re.I)  # English: which is the month, nobody can tell
_LAST_DAY = re.compile(r"\((?P<day>\d{4}-\d\d-\d\d)\)\s*$")


def leading(line: Line, at: int) -> tuple[Status, int] | None:
    """The status that a title stands behind, and where that ends: "DONE", "`read`", "#toread", "Finished:"."""
    plain = line.plain
    for mark in line.text.of("code", "strong"):
        if mark.start == at and plain[mark.end :].strip(" :："):
            status = words.status_word(plain[mark.start : mark.end])
            end = mark.end + len(plain[mark.end :]) - len(plain[mark.end :].lstrip(" :：–—-"))
            return (status, end) if status else None
    if (found := _MARKED.match(plain, at)) and (status := words.status_word("".join(filter(None, found.groups())))):
        return status, found.end()
    first = _FIRST.match(plain, at)
    for end in [m.end() + at for m in re.finditer(r"[^\W\d_]+", first[0])] if first else ():
        said = plain[at:end].removeprefix("re").lstrip("-")
        status, after = words.status_word(said), end + len(plain[end:]) - len(plain[end:].lstrip(": "))
        shouted = said.isupper() and said.isascii() and " " in plain[after:] and not plain[after : after + 4].isupper()
        if status and (shouted or not said.isascii() or status is line.status or _names_next(line, after)):
            return status, after
    return None


def _names_next(line: Line, at: int) -> bool:
    """Whether what follows is a work: a link, what stands in quotation marks, or a name and its address."""
    if any(a.titled and a.mark.start == at for a in line.anchors) or line.plain[at : at + 1] in tuple('"“«„'):
        return True
    links = [a for a in line.anchors if urls.is_of_paper(a.mark.url) and a.mark.start > at]
    return bool(links) and line.plain[at : at + 1].isupper() and links[0].mark.start - at < 80


def day_of_reading(text: str, start: int = 0) -> tuple[dt.date, int, int] | None:
    """The day on which a text says that something was read, and where it says so: "read on 2024-03-02", "✅ …"."""
    for match in _DAY.finditer(text, start) if _YEAR.search(text, start) else ():
        before = text[max(start, match.start() - 40) : match.start()]
        first, last = match.span()
        if said := _SIGN.search(before) or _read_on(before):
            first += said.start() - len(before)
        elif behind := _read_behind(text, last):  # "（2021年1月13日 已读）"
            last = behind
        else:
            continue
        day = values.day(values.in_order(match[0], not _ENGLISH.search(before) or None))
        if day is None:
            continue
        if text[last : last + 1] in tuple(")）") and {"(", "（"} & set(text[first:last]):
            last += 1
        elif first and text[first - 1] in "(（[" and text[last : last + 1] in tuple(")）]"):
            first, last = first - 1, last + 1
        return day, first, last
    return None


def _read_behind(text: str, at: int) -> int:
    """Where a word behind a day ends that says that something was read, as Chinese has it; 0 where none does."""
    found = _BEHIND.match(text, at)
    return found.end() if found and words.status_word(found[0]) is Status.read else 0


def _read_on(before: str) -> re.Match[str] | None:
    found = _SAID.search(before)
    for _ in range(3):
        said = _ON.sub("", found["said"]) if found else ""
        if not found or words.field_of(said) == "read" or words.status_word(said) is Status.read:
            return found
        found = _SAID.search(before, found.start() + len(found["said"].split()[0]))
    return None


def trailing(line: Line) -> None:
    """A status at the end: `[READ]`, `(read)`, `DONE`, a box or a tick; and the day of it."""
    if found := day_of_reading(line.plain, line.start):
        line.status, line.read = Status.read, found[0]
        _take(line, *found[1:])
    plain = line.plain
    for _ in range(2):
        free = line.free(line.start)
        if not free:
            return
        start, end = free[-1]
        tail = plain[start:end].rstrip()
        ticked, left = words.tick(tail)
        if ticked:
            line.status = line.status or ticked
            _take(line, start + len(left.rstrip()), end)
        elif at := _stated(line, tail, start):
            _take(line, at, end)
            break
    for mark in line.text.of("code", "strong"):
        inside = plain[mark.start : mark.end]
        if plain[mark.end :].strip(" .])") or not (status := words.status_word(inside)):
            continue
        if mark.start > line.start and (mark.kind == "code" or inside.isupper()):
            line.status = line.status or status
            _take(line, mark.start, len(plain))
    last = _LAST_DAY.search(plain, line.start) if line.status is Status.read and not line.read else None
    if last and (read := values.day(last["day"])):
        line.read = read
        _take(line, *last.span())


def _take(line: Line, start: int, end: int) -> None:
    line.used.append((start, end))
    if start > line.start and not line.plain[end:].strip() and "\n" not in line.plain[:start]:
        line.stop = min(line.stop or start, start)


def _stated(line: Line, tail: str, start: int) -> int:
    """Where the last stretch of a line begins to say a status; 0 where it says none."""
    end = max(0, len(tail) - _REACH)
    if box := _BOX.search(tail, end):
        line.status = line.status or (Status.read if box["mark"].strip() else Status.unread)
        return start + box.start()
    bracket = _TRAILING.search(tail, end)
    if not bracket:
        return _stated_plainly(line, tail, start)
    at, word = start + bracket.start(), bracket["word"]
    if any(a.mark.start >= at for a in line.anchors):
        return 0
    status = words.status_word(word) if len(word) > 1 else None
    code = any(m.kind == "code" and m.start >= at for m in line.text.marks)
    if not status and (status := words.misspelt(f"`{word}`" if code else word)):
        line.mended = f"status {word.strip(_TICKS).upper()} read as {status.upper()}"
    if not status or (tail[bracket.start()] == "(" and not word.isascii()):
        return 0
    line.status = line.status or status
    return at


def _stated_plainly(line: Line, tail: str, start: int) -> int:
    """Where the last words begin that are a status: in capitals, in CJK, or behind a dash, a bar or an emoji."""
    for word in list(_SPOKEN.finditer(tail, max(0, len(tail) - _REACH)))[-3:]:
        at = word.start()
        said, before = tail[at:], tail[:at].rstrip()[-1:]
        status = words.status_word(said) if before else None
        told = before in tuple("—–|-") or words.is_pictograph(said[0]) or (not said.isascii() and len(said) < 4)
        if status and (told or (said.isupper() and len(said) > 2)):
            line.status = line.status or status
            return start + at
    return 0
