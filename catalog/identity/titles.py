"""Titles, as they are compared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

from catalog.facts import Facts
from catalog.text import Rich, fold, plain

Title = Literal["equal", "close", "longer", "other", "part", "unknown"]

SMALL = 3  # a title of fewer words tells little
_ANSWERS = frozenset(
    str.split(  # what is added to the title of a work where another speaks of it
        "comment comments reply response rejoinder erratum errata corrigendum corrigenda correction addendum discussion"
        " review supplement supplementary appendix retraction preface foreword"
        " berichtigung korrektur nachtrag erwiderung antwort bemerkung bemerkungen rezension besprechung anhang vorwort"
        " rectificatif commentaire commentaires reponse replique compte annexe"
        " correccion replica respuesta comentario comentarios resena recension apendice fe"
        " correzione risposta commento recensione appendice resposta resenha"
        " исправление поправка ответ комментарий рецензия приложение дополнение"
        " 更正 勘误 勘誤 回复 评论 評論 书评 書評 订正 訂正 续 續 補遺 附录 付録 정정 서평 부록"
    )
)
_HEADINGS = frozenset(
    str.split(  # what stands over works of many, in journals, books and pages
        "editorial editorials introduction preface foreword afterword conclusion conclusions obituary letter letters"
        " news book books reviews notes note lecture lectures abstracts index contents home about blog page profile"
        " release personal communication communications the a an of to from guest editor editors"
        " einleitung einfuhrung vorwort nachwort nachruf brief briefe avant propos introduccion prologo epilogo"
        " presentacion introduzione prefazione prefacio introducao apresentacao lettre lettres введение предисловие"
        " 前言 序言 序 引言 社论 卷首语 はじめに 序文 巻頭言 서문 머리말"
    )
)
_ARTICLES = frozenset(str.split("a an the der die das ein eine le la les un une el los las il lo gli"))
_COUNTED = frozenset("一二三四五六七八九十上中下甲乙丙丁")
_PREFIXES = frozenset(
    str.split("un in im non dis de re pre anti sub super bi mono multi co mis hyper hypo inter intra macro micro a")
)
_VALUES = {
    word: number
    for number, words_ in enumerate((
        "zero zeroth",
        "one first eins erster erste erstes premier premiere primero primera primo prima primeiro primeira"
        " первая первый первое 一 上",
        "two second zwei zweiter zweite zweites deux deuxieme seconde segundo segunda secondo seconda dois вторая"
        " второй второе 二 下",
        "three third drei dritter dritte drittes trois troisieme tres tercero tercera tercer tre terzo terza terceiro"
        " terceira третья третий третье 三",
        "four fourth vier vierter vierte quatre quatrieme cuatro cuarto cuarta quattro quarto quarta четвертая 四",
        "five fifth funf funfter funfte cinq cinquieme cinco quinto quinta cinque пятая 五",
        "six sixth", "seven seventh", "eight eighth", "nine ninth", "ten tenth", "eleven", "twelve",
    ))
    for word in words_.split()
}  # fmt: skip
_ROMAN = re.compile(r"(?=[ivx])x{0,3}(?:ix|iv|v?i{0,3})\Z")
_AND = re.compile(r"\\?&(?:amp;)?")
_UMLAUTS = re.compile(r"(?<=[aou])e")


def words(facts: Facts) -> tuple[str, ...]:
    """The title as it is compared: its words, folded."""
    return _words(facts.title)


@lru_cache(maxsize=20_000)  # in an import each title is compared with many
def _words(title: Rich) -> tuple[str, ...]:
    text = plain(title)
    return tuple(fold(_AND.sub(" and ", text) if "&" in text else text).split())


@lru_cache(maxsize=20_000)
def squeezed(words: tuple[str, ...]) -> str:
    """The title without blanks and with ü and ue as one: what a hyphen or a spelling parts is together again."""
    return _UMLAUTS.sub("", "".join(words).replace("ł", "l").replace("ø", "o").replace("đ", "d"))


def compare_titles(a: Facts, b: Facts) -> Title:
    mine, other = words(a), words(b)
    if not mine or not other:
        return "unknown"
    if mine == other:
        return "equal"
    if squeezed(mine) == squeezed(other):
        return "close"
    if min(len(mine), len(other)) > 2 and 2 * len({*mine} & {*other}) < min(len({*mine}), len({*other})):
        return "other"
    changes = [
        (mine[i:j], other[k:m])
        for what, i, j, k, m in SequenceMatcher(None, mine, other, autojunk=False).get_opcodes()
        if what != "equal"
    ]
    if all({*x, *y} <= _ARTICLES for x, y in changes) and mine[-1] == other[-1]:
        return "close"
    if any(numbers_in(x) != numbers_in(y) for x, y in changes):
        kept = sum(len(x) for x, _ in changes) < len(mine) and sum(len(y) for _, y in changes) < len(other)
        return "part" if kept else "other"
    if all(misspelt("".join(x), "".join(y)) for x, y in changes):
        return "close"
    if len(changes) == 1 and not (changes[0][0] and changes[0][1]) and not _ANSWERS & {*changes[0][0], *changes[0][1]}:
        return "longer"
    return "other"


def is_subtitle(a: Facts, b: Facts) -> bool:
    """Whether one title is the other with a subtitle behind it."""
    short, long = sorted((plain(f.title).casefold().rstrip(".") for f in (a, b)), key=len)
    return long.startswith(short) and re.match(r"\s*[:.?!–—-]\s", long[len(short) :]) is not None


def is_heading(words: Sequence[str]) -> bool:
    """Whether a title is one that many works have: "Editorial", "Book reviews", "Lecture 3"."""
    telling = [word for word in words if word not in _HEADINGS and word not in _ANSWERS and value_of(word) is None]
    return not telling


def numbers_in(words: Sequence[str]) -> list[int]:
    """The numbers that words stand for: digits, Roman numerals, "two", "second"."""
    found = []
    for word in words:
        value = value_of(word)
        if value is not None:
            found.append(value)
    return found


def value_of(word: str) -> int | None:
    digits = re.fullmatch(r"(\d{1,9})(?:st|nd|rd|th)?", word)
    if digits:
        return int(digits[1])
    if word in _VALUES:
        return _VALUES[word]
    if not _ROMAN.match(word):
        return None
    values = [{"i": 1, "v": 5, "x": 10}[letter] for letter in word]
    return sum(-v if v < max(values[i + 1 :], default=0) else v for i, v in enumerate(values))


def misspelt(x: str, y: str) -> bool:
    """Whether two words are one with a slip of a letter or two, by their length."""
    if x == y or squeezed((x,)) == squeezed((y,)):
        return True
    if min(len(x), len(y)) < 4 or abs(len(x) - len(y)) > 2 or re.search(r"\d", x + y):
        return False
    if _COUNTED & ({*x} ^ {*y}) or _begin_otherwise(x, y):
        return False
    same = sum(block.size for block in SequenceMatcher(None, x, y, autojunk=False).get_matching_blocks())
    return max(len(x), len(y)) - same <= (1 if min(len(x), len(y)) < 8 else 2)


def _begin_otherwise(x: str, y: str) -> bool:
    """Whether two words are one with other prefixes: "supervised" and "unsupervised", "hypertension", "hypotension"."""
    stems = [{word[len(start) :]: start for start in ("", *_PREFIXES) if word.startswith(start)} for word in (x, y)]
    return any(len(stem) > 3 and stems[0][stem] != stems[1][stem] for stem in stems[0].keys() & stems[1].keys())
