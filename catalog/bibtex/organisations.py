"""Which names are an organisation's, where one can know: by words that no person is called, in several languages.

Many words are both, "Bank", "Church", "Center": they count behind a word that is no given name ("World Bank") or before
"of".
"""

from __future__ import annotations

import re
from functools import cache

from catalog.text import fold

_WORDS = (
    r"universi\w*|univerzit\w*|üniversitesi|uniwersytet|yliopisto|egyetem|hogeschool|\w*hochschule|politechnika|polytechnic"
    r"|politecnico|college|school|institut\w*|inst[iy]tut\w*|istitut\w*|enstitüsü|laborator\w*|laboratoire|labs?|research"
    r"|consortium|konsortium|consorzio|consorcio|collaboration|organi[sz]ations?|organizaci[oó]n|organizzazione"
    r"|organização|organisatie|corporation|incorporated|foundation|fundaci[oó]n|fundação|fondation|fondazione|\w*stiftung"
    r"|stichting|stiftelsen?|association|asociaci[oó]n|associação|associazione|\w*verband|\w*verein|vereniging|society"
    r"|société|sociedade?|società|\w*gesellschaft|\w*gemeinschaft|committees?|comité|comitato|komitee|commission|\w*kommission"
    r"|comisi[oó]n|commissione|comissão|agency|agence|agenc(?:ia|y)|agência|agenzia|\w*agentur|ministry|ministère|ministerie"
    r"|ministero|ministério|ministerstvo|ministerstwo|\w*ministeri(?:o|um)|department|département|departamento|dipartimento"
    r"|directorate|(?:bundes|landes)(?:amt|anstalt|bank|rat|regierung|tag|zentrale)|contributors|developers|maintainers|authors"
    r"|editors|community|team|équipe|equipo|\w{3,}gruppe|group|groupe|grupo|gruppo|initiative|iniciativa|network|réseau"
    r"|project|projekt|proyecto|projeto|progetto|programme|task\s+force|working\s+party|academ(?:y|ies)|acad[eé]mi[ae]"
    r"|accademia|\w*akademi\w*|federation|fédération|federaci[oó]n|authority|alliance|conseil|consejo|conselho|consiglio"
    r"|museums?|musée|museo|library|bibliothek|bibliothèque|biblioteca|hospital|hôpital|technologies|technology|software"
    r"|solutions|systems|services|industries|holdings|sciences|nations|international|workshop|parliament|\w*parlament"
    r"|senate|congress|embassy|reserve|dynamics|analytics|robotics|inc|ltd|llc|llp|plc|gmbh|corp|pty|AI|LLM|ML"
    r"|центр|фонд|агентство|федерация|компания|академия|министерство|университет|институт|общество|комитет"
)
_SIGN = re.compile(r"[&@\d]|\s(?:for|on|without|für|pour|para)\s", re.I)
_SHOUTED = frozenset({"ai", "llm", "ml"})  # Ai is a family name, AI is not
_HEADS = (
    r"bank|banco|banca|banque|board|bureau|cent(?:er|re)|centro|church|company|council|court|fund|house|office|press"
)
_BOTH = re.compile(rf"{_HEADS}|times|post|union|watch|herald|review", re.I)
_OF = re.compile(rf"(?:.*\s)?(?:{_HEADS}|chamber|ministers)\s(?:of|de|des|du|di|della|do|da)\s.+", re.I)
_QUALIFIERS = frozenset(
    str.split(
        "world national international european american british canadian australian african asian royal imperial united"
        " federal central public editorial human global new us u.s. uk u.k. eu un state general supreme"
    )
)
_BRANDS = frozenset(
    str.split(
        "google microsoft facebook amazon nvidia ibm intel baidu tencent alibaba samsung bytedance hugging salesforce"
        " databricks openai anthropic deepmind stack adobe nasa unesco oecd ieee acm"
    )
)
_FIRST = frozenset({"centre", "centro", "centrum", "banque", "banco", "banca"})
_COINED = re.compile(
    r"[\w-]*[a-z-](?:AI|ML|LM|LP|GPT|Mind|Face|Dance|Science|Soft|Tube|Hub|Labs?|Net|Flow|Torch|Works|Tech|Bot|Brains|Space"
    r"|Data|Cloud|Base|Wiki|Robotics)|[a-z][A-Z]+"
)
_CALLED_THE = frozenset(
    str.split("nguyen tran le pham han vu vo dang bui do ho ngo duong ly phan hoang huynh dinh truong")
)
_INITIALS = re.compile(r"(?:[^\W\d_]\.-?)+")
_STATES = frozenset({"u.", "u.s.", "u.k.", "u.n.", "e.u."})
_NO_GIVEN = frozenset({"world", "united", "national", "international", "european"})
_LEGAL = re.compile(r"(?:the|(?:inc|ltd|llc|llp|plc|gmbh|corp|pty|co)\b.*|.*@.*)", re.I)
_NO_FAMILY = re.compile(
    r"team|collaboration|consortium|corporation|organi[sz]ation|university|initiative|committee|foundation|association"
    r"|contributors|developers|authors|commission|ministry|department|institute|group",
    re.I,
)


def is_organisation(text: str) -> bool:
    """Whether a name without comma is that of an organisation: "Gemini Team", "Bank of England", "DeepSeek-AI"."""
    words = text.split()
    if len(words) < 2:
        coined = _COINED.fullmatch(text) or _SIGN.search(text)
        return coined is not None or (1 < len(text) < 7 and text.isupper() and text.isalpha())
    first = words[0].casefold()
    if _INITIALS.fullmatch(words[0]) and first not in _STATES and len(words) < 4:
        return False
    if (
        first in _BRANDS
        or first in _FIRST
        or _SIGN.search(text)
        or _says_so(text)
        or any(map(_COINED.fullmatch, words))
    ):
        return True
    if first == "the" and len(words) == 2:  # also a Vietnamese given name
        return fold(words[1]) not in _CALLED_THE
    qualified = first in _QUALIFIERS or (words[0].isupper() and words[0].isalpha() and not text.isupper())
    return (qualified and _BOTH.fullmatch(words[-1]) is not None) or _OF.fullmatch(text) is not None


def with_comma(before: str, after: str) -> str:
    """The organisation that "Gemini Team, Google" or "Team, Gemini" names; "" where it is a person or may be one."""
    if _LEGAL.fullmatch(after) or (" " in before and _says_so(before)):
        return f"{after} {before}" if after.casefold() == "the" else f"{before}, {after}"
    first = after.partition(" ")[0].casefold()
    turned = before == "AI" or _NO_FAMILY.fullmatch(before) or first in _BRANDS or first in _NO_GIVEN
    return f"{after} {before}" if turned and is_organisation(f"{after} {before}") else ""


def _says_so(text: str) -> bool:
    """Whether a word of it names organisations alone."""
    found = (word.group() for word in _words().finditer(text))
    return any(word.casefold() not in _SHOUTED or (word.isupper() and not text.isupper()) for word in found)


@cache
def _words() -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.'’-])(?:{_WORDS})(?![\w-])", re.I)  # takes some ms, which most commands never need
