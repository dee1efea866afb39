"""Names as people write them, "Sofia van der Berg": from one text to its parts, where that can be told.

What has a comma, braces or biblatex's form says its parts itself; this is for the rest: authors of a reading list, and
names in scripts or languages that put the family first.
"""

from __future__ import annotations

import re

from catalog.bibtex.organisations import is_organisation, with_comma
from catalog.facts import Name, is_han, is_vietnamese

_MARKED = re.compile(r"(?<=\w)[\s.]?[*†‡§¶¹²³⁴⁵⁶⁷⁸⁹⁰]+$|(?<=[^\W\d_])\d$")
_SUFFIX = re.compile(r"(?:[JS]r|I{2,3}|IV|Ph\.?D|M\.?D|Esq)\.?", re.I)
_PARTICLE = re.compile(r"[^\W\d_A-ZÀ-Þ][\w'’]*-?")
_PARTICLES = frozenset(
    str.split(
        "af al ap av ben bin d' da dal das de degli dei del dela della den der des di dos du e el ibn la las"
        " le los ter ten op 't van vanden vander ver vom von vor zu zum zur y und zur"
    )
)
_ORGANISATION_IN_HAN = re.compile(
    r"(?:大学|大學|学院|學院|研究[院所室]|公司|委[员員]会|委員會|协会|協會|学会|學會|中心|团队|実験室|会社|연구소|대학교?|학회)$"
)
_TWO_SIGNS = frozenset(str.split(
    "欧阳 歐陽 司马 司馬 上官 诸葛 諸葛 东方 東方 皇甫 尉迟 公孙 令狐 慕容 司徒"
    " 南宫 夏侯 轩辕 端木 남궁 황보 제갈 사공 선우 서문 독고"
))  # fmt: skip
_KANA = re.compile(r"[\u3040-\u30ff]")
_VIETNAMESE_FAMILIES = frozenset(
    str.split(
        "nguyễn trần lê phạm huỳnh hoàng phan vũ võ đặng bùi đỗ hồ ngô dương lý đinh đoàn lâm trịnh mai đào"
        " vương cao hà lưu tạ châu thái tô quách phùng"
    )
)
_HUNGARIAN_GIVEN = frozenset(
    str.split(
        "ádám ágnes andrea anna árpád attila béla csaba dániel dávid edit elemér endre éva erika ernő"
        " erzsébet ferenc gábor gábriel géza gyula györgy hajnal ildikó imre istván ivett jános jenő józsef"
        " judit júlia károly katalin kinga kristóf krisztina lajos lászló loránd lóránt magdolna márta márton"
        " mária mátyás mihály miklós mónika nándor orsolya ottó ödön pál péter réka rózsa rudolf sándor"
        " szabolcs szilárd tamás tibor tünde vera vilmos viktor zita zoltán zsolt zsófia zsuzsanna balázs máté"
        " bálint andrás dénes kálmán"
    )
)
_HUNGARIAN = frozenset({"hungarian", "magyar", "hu", "hu-hu"})
_MOST_WORDS = 6


def name(text: str) -> Name:
    """The parts of a name as a list writes it; what may be an organisation, or has too many words, is a literal."""
    text = _MARKED.sub("", " ".join(text.split())).rstrip(",")
    if ", " in text:
        return _with_comma(text)
    words = text.split()
    if known := without_comma(text):
        return known
    if len(words) < 2 or len(words) > _MOST_WORDS or _is_shouted(words):
        return Name(literal=text)
    return _western(words)


def without_comma(text: str, language: str = "") -> Name | None:
    """The parts of a name without comma where its order or nature can be told from it; None where it is as usual."""
    if is_han(text):
        return _han(text)
    words = text.split()
    if is_organisation(text):
        return Name(literal=text)
    if len(words) < 2:
        return None
    lower = [word.lower() for word in words]
    vietnamese = lower[0] in _VIETNAMESE_FAMILIES and lower[-1] not in _VIETNAMESE_FAMILIES
    hungarian = language.lower() in _HUNGARIAN and lower[-1] in _HUNGARIAN_GIVEN and lower[0] not in _HUNGARIAN_GIVEN
    if (vietnamese and is_vietnamese(text)) or hungarian:
        return Name(words[0], " ".join(words[1:]))
    return None


def _han(text: str) -> Name:
    """A Chinese, Japanese or Korean name in its own script: the family stands first, with or without a blank."""
    words = re.split(r"[\s·・]+", text)
    signs = "".join(words)
    if _ORGANISATION_IN_HAN.search(text) or len(words) > 2 or not signs.isalpha() or not all(map(is_han, signs)):
        return Name(literal=text)
    if len(words) == 2:
        return Name(*words)
    family = 2 if text[:2] in _TWO_SIGNS or len(text) == 4 else 1
    if not 2 <= len(text) <= 4 or _KANA.search(text):
        return Name(literal=text)
    return Name(text[:family], text[family:])


def _with_comma(text: str) -> Name:
    """ "Berg, Sofia van der", "Davis, Jr., Sammy", and "Sammy Davis, Jr."."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 2 and _SUFFIX.fullmatch(parts[1]) and " " in parts[0]:
        return _western(parts[0].split())._replace(suffix=parts[1])
    if len(parts) > 3 or not all(parts):
        return Name(literal=text)
    if organisation := with_comma(parts[0], ", ".join(parts[1:])):
        return Name(literal=organisation)
    family, given = parts[0].split(), parts[-1]
    start = next((i for i, word in enumerate(family) if not _is_particle(word)), len(family) - 1)
    suffix = parts[1] if len(parts) == 3 else ""
    return Name(" ".join(family[start:]), given, " ".join(family[:start]), suffix)


def _western(words: list[str]) -> Name:
    """Given names, then particles, then the family name."""
    suffix = words[-1] if len(words) > 2 and _SUFFIX.fullmatch(words[-1]) else ""
    words = words[:-1] if suffix else words
    start = next((i for i, word in enumerate(words[:-1]) if _is_particle(word)), len(words) - 1)
    stop = next((i for i in range(start, len(words)) if not _is_particle(words[i])), len(words) - 1)
    return Name(" ".join(words[stop:]), " ".join(words[:start]), " ".join(words[start:stop]), suffix)


def _is_particle(word: str) -> bool:
    return bool(_PARTICLE.fullmatch(word)) and word[0].islower() and (word in _PARTICLES or len(word) < 5)


def _is_shouted(words: list[str]) -> bool:
    """Whether the last word alone is in capitals, as in "Stability AI"."""
    last = words[-1]
    return len(last) > 1 and last.isupper() and last.isalpha() and any(c.islower() for c in "".join(words[:-1]))
