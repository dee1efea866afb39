"""What words mean in a list: fields, kinds of link, statuses, in the languages of `words.toml`."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files

from catalog.models import Status

SHORT = re.compile(r":(?:[a-z][a-z0-9_+-]*|\d[a-z0-9]*[a-z_][a-z0-9_]*|[+-]1|\d{3,4}):")  # an emoji by its name
_EDGE = " \t\n*_~`'\"“”‘’«»()[]{}<>【】（）「」『』〔〕:：.,;，。、|/\\-–—=→·•#!?@"
_LINK_WORD = re.compile(r"(?:^|[ \t_-]+)(?:links?|urls?|address(?:es)?)$|(?:下载)?(?:链接|地址)$|リンク$|[ ]?링크$")
_MINE = re.compile(r"^(?:my|the|paper|paper's|mein|meine|mon|ma|mi|meu|我的) ")
_OF_PAPERS = re.compile(
    r"\s*(?:的?(?:论文|論文|文献|文章)|(?:た)?論文|\s논문|\b(?:papers?|articles?|artikel|artículos|artigos|статьи|list|ones)\b)\s*"
)
_LONGEST_STATUS = 60  # characters
_SPELT = ("READ", "UNREAD", "READING", "TOREAD")
READ_MARKS = ("✅", "☑", "✔", "✓", "🟢", "💯")
_EMOJI = {":white_check_mark:": "✅", ":heavy_check_mark:": "✔", ":ballot_box_with_check:": "☑",
          ":white_large_square:": "⬜"}  # fmt: skip
_CODES = re.compile("|".join(_EMOJI))
UNREAD_MARKS = ("⬜", "🔲", "☐", "◻", "🔳")


@cache
def _data() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("catalog.ingest").joinpath("words.toml").read_text("utf-8"))


@cache
def _words(table: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, words in _data()[table].items():
        for word in words.split("|"):
            found.setdefault(word, name)
    return found


@cache
def _set(table: str, name: str) -> frozenset[str]:
    return frozenset(_data()[table][name].split("|"))


@cache
def acronyms() -> dict[str, str]:
    """Acronyms of venues, by their lower case."""
    return {word.lower(): word for word in _data()["venue"]["acronyms"].split()}


@cache
def venue_opening() -> re.Pattern[str]:
    """How the name of a journal or of proceedings begins."""
    words = "|".join(re.escape(word) for word in _data()["venue"]["opening"].split("|"))
    return re.compile(rf"(?:in:?\s+)?(?:the\s+)?(?:\d{{4}}\s+|\d+(?:st|nd|rd|th)\s+)?(?:{words})", re.I)


@cache
def months() -> dict[str, int]:
    """The number of a month by any of its names."""
    return {w: n for n, ws in enumerate(_data()["month"]["names"].split("|"), 1) for w in ws.split()}


def table(name: str) -> Mapping[str, str]:
    """What the words of one table stand for, in its order."""
    return _words(name)


def beside(place: str) -> frozenset[str]:
    """Words that say no more "before" or "after" the name of a field, make it one of "others", or name "wrappers"."""
    return _set("record_words", place)


@cache
def nothing() -> frozenset[str]:
    """What stands in a cell that has nothing to say."""
    return _set("say_nothing", "nothing")


@cache
def title_words() -> frozenset[str]:
    """Words of titles that are no names, whatever their case."""
    return frozenset(_data()["title"]["words"].split())


def is_pictograph(char: str) -> bool:
    """Whether a character is an emoji, or what joins and colours one."""
    return unicodedata.category(char) in ("So", "Sk", "Cs") or char in "\ufe0f\u200d\u20e3"


def undecorated(text: str) -> str:
    """A text without emoji and `:short:` names of them."""
    text = SHORT.sub(" ", text) if ":" in text else text
    if not text.isascii():
        text = "".join(c for c in text if c < "\u2000" or not is_pictograph(c))
    return text.strip()


@lru_cache(8192)
def plain(label: str) -> str:
    """A label as words are compared: no emoji, decorations, marks or case."""
    text = undecorated(label[:200]).strip(_EDGE)
    text = re.sub(r"^\d{1,3}[.)]\s+", "", text)
    return " ".join(text.lower().replace("_", " ").split())


@lru_cache(8192)
def _look(table: str, label: str) -> str:
    """The name that a label has in a table: itself, the part in parentheses or before it, without "link"."""
    known = _words(table)
    text = plain(label)
    if text in known:
        return known[text]
    for bare in (_LINK_WORD.sub("", text).strip(), _MINE.sub("", text), text.replace("-", " ")):
        if bare != text and bare in known:
            return known[bare]
    parts = [part.strip() for part in re.split(r"[(（\[\])）/|]", text)]
    if len(parts) > 1 and len(text) <= 30 and (parts[0] in known or (not parts[0].isascii() and len(parts[0]) < 8)):
        return next((known[part] for part in parts if part in known), "")
    return ""


def field_of(label: str) -> str:
    """The field that a label or a column names, or ""."""
    if label.strip() in ("#", "№"):
        return "order"
    return _look("field", label) if len(label) <= 60 else ""


@lru_cache(8192)
def link_of(label: str) -> str:
    """The kind of link that a label names ("pdf", "Project page", "[NIPS paper]"), or ""."""
    if len(label) > 60:
        return ""
    text = plain(label)
    found = _look("link", label)
    if found or not text:
        return found
    words = re.split(r"[\s/&+,-]+", re.sub(r"\([^()]*\)", "", text).strip())
    if 1 < len(words) <= 4 and text.isascii():
        last = _words("link").get(words[-1], "")
        if last and (len(words) == 2 or words[0] in ("official", "our", "the", "full")):
            return last
        if words[0] in ("official", "code", "pdf", "paper", "github", "arxiv", "project") and len(words) == 2:
            return _words("link").get(words[0]) or last
    return ""


@lru_cache(8192)
def says_nothing(label: str) -> bool:
    """Whether a link's label only points: "here", "link", an emoji."""
    text = plain(label)
    return not text or text in _set("say_nothing", "words")


@lru_cache(8192)
def is_role(label: str) -> bool:
    """Whether a link's label names what it leads to, or only points, rather than being a title."""
    return says_nothing(label) or bool(link_of(label)) or bool(re.fullmatch(r"\[?\d{1,3}\]?", label.strip()))


def kind_of(heading: str) -> str:
    """The kind of work that a heading announces ("Books", "Datasets"), or "" for papers."""
    text = plain(heading)
    found = _look("kind", heading)
    if found or not text.isascii():
        return found
    words = re.findall(r"[a-z]+", text)
    return _words("kind").get(words[-1], "") if 1 < len(words) <= 3 and words[-1] not in ("data",) else ""


def type_of(word: str) -> str:
    """The kind of work that a type names ("book", "blogPost", "software"), "" for papers and what is unknown."""
    text = plain(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", word)).replace("-", " ")
    return next((_words("kind")[w] for w in (text, *text.split()) if w in _words("kind")), "")


def is_generic(heading: str) -> bool:
    """Whether a heading says nothing about what stands under it: "Papers", "Table of contents", "2023"."""
    known = _set("heading", "generic")
    text = plain(heading)
    parts = re.findall(r"[^\W_]+|&", text)
    return text in known or all(p in known or (p.isdigit() and len(p) <= 8) or p in ("s", "re", "d") for p in parts)


def is_of_papers(heading: str) -> bool:
    """Whether a heading says that papers stand under it, and nothing of which: "List of papers", "Papers I read"."""
    said = re.findall(r"[^\W_]+", plain(heading))
    known = _set("heading", "generic") | _set("heading", "chosen")
    return not _set("heading", "papers").isdisjoint(said) and all(word in known or word.isdigit() for word in said)


def is_of_reading(heading: str) -> bool:
    """Whether what stands under a heading was read: "Papers I read in 2023", "Read", "読んだ論文"."""
    text = plain(heading)
    told = re.search(r"\b(?:i|we)(?:['’]ve| have)? read\b|\bread in\b|\breading log\b|读过|已读|読んだ|읽은", text)
    return status_word(heading) is Status.read or bool(told)


def is_boilerplate(heading: str) -> bool:
    """Whether a heading opens a part of a page that lists no papers: licence, contributing, contents."""
    known = _set("heading", "boilerplate")
    text = plain(heading)
    parts = re.findall(r"[^\W_]+", text)
    every = all(part in known or part in _set("heading", "generic") for part in parts)
    strong = _set("heading", "never")
    return text in known or (every and not known.isdisjoint(parts)) or (len(parts) < 4 and not strong.isdisjoint(parts))


def is_vague(name: str) -> bool:
    """Whether a column of titles may as well hold the names of things that are no papers: "Name", "名称"."""
    return plain(name) in _set("heading", "vague")


def is_part(heading: str) -> bool:
    """Whether a heading names what a paper comes with, such as "Tutorials" or "Abstract"; by itself no title."""
    return plain(heading) in _set("heading", "part") or bool(field_of(heading) in ("abstract", "notes", "link"))


@lru_cache(8192)
def status_word(raw: str) -> Status | None:
    """The status that a word names, spelt as it should be, in any of the languages."""
    text = plain(raw)
    if len(text) > _LONGEST_STATUS:
        return None
    name = _words("status").get(text, "") or _words("status").get(_OF_PAPERS.sub("", text, count=1), "")
    return Status(name) if name else None


def answer(raw: str) -> Status | None:
    """What a yes or a no to whether something has been read says."""
    name = _words("answer").get(plain(raw), "")
    return Status(name) if name else None


def tick(text: str) -> tuple[Status | None, str]:
    """The status that a tick or an empty box at either end of a text gives, and the text without it."""
    bare = text.strip().strip("\ufe0f")
    if ":" in bare:
        bare = _CODES.sub(lambda code: _EMOJI[code[0]], bare)
    for marks, status in ((READ_MARKS, Status.read), (UNREAD_MARKS, Status.unread)):
        if bare[:1] in marks:
            return status, bare[1:].lstrip("\ufe0f ")
        if bare[-1:] in marks:
            return status, bare[:-1].rstrip()
    return None, text


def misspelt(raw: str) -> Status | None:
    """The status a word in brackets is a slip of: two slips in a long word between quotes, one elsewhere."""
    quoted = raw.strip()[:1] in "`'\"‘’“" and raw.strip()[-1:] in "`'\"‘’”"
    word = " ".join(raw.strip("`'\"‘’“”*_ ").upper().split())
    if not (3 <= len(word) <= 9 and word.isalpha() and (quoted or raw.strip().isupper())):
        return None
    far = {spelt: near(word, spelt) for spelt in _SPELT}
    best = min(_SPELT, key=lambda spelt: (far[spelt], sorted(spelt) != sorted(word), spelt != "READ"))
    same_letters = sorted(best) == sorted(word)
    one = far[best] == 1 and (quoted or (len(word) >= 4 and (same_letters or len(word) != len(best))))
    two = quoted and far[best] == 2 and (same_letters or len(word) >= 5)
    return status_word(best) if one or two else None


def link_name(raw: str) -> tuple[str, str]:
    """The name of a link as the catalog writes it, and the misspelt word that was mended in it, or "".

    "Paper link" gives paper, "github" code; any other name stays, in lower case. In backticks it stands for itself.
    """
    if quoted := re.fullmatch(r"`([^`]+)`(?:[ \t]+links?)?", raw.strip()):
        return quoted[1].lower(), ""
    name = plain(raw)
    if found := link_of(raw) if name.endswith(" stars") else _look("link", raw):
        return found, ""
    bare = _LINK_WORD.sub("", name).strip()
    mended = ""
    if bare == name and " " in name:
        head, _, last = name.rpartition(" ")
        if last not in _words("link") and len(last) > 2 and min(near(last, "link"), near(last, "links")) == 1:
            bare, mended = head, last
    if bare in ("", "link", "links", "url", "urls"):
        return "", mended
    known = _words("link")
    if bare in known:
        return known[bare], mended
    if " " not in bare and bare.isascii() and (word := _nearest(bare)):
        return known[word], mended or bare
    return bare, mended


def _nearest(word: str) -> str:
    """The one known name of a link that a misspelt one stands for, or ""."""
    if not 4 <= len(word) <= 15:
        return ""
    known = [k for k in _words("link") if len(k) > 3 and abs(len(k) - len(word)) < 2 and k.isascii() and " " not in k]
    hits = [k for k in known if near(word, k) == 1]
    return min(hits, key=lambda k: (k[0] != word[0], sorted(k) != sorted(word), k)) if hits else ""


def near(one: str, other: str) -> int:
    """The edit distance of two short words, a transposition of neighbours counting as one."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]
