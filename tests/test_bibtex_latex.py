"""LaTeX as plain text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.bibtex.latex import decode


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"\"o {\"o} \"{o} {\"{o}}", "ö ö ö ö"),
        (r"\H{o} \v{C} \c c \c{c} \r a \k{a} \u g \d{s} \b{h} \.z \=a \^o \~n \`a", "ő Č ç ç å ą ğ ṣ ẖ ż ā ô ñ à"),
        (r"\'{\i} {\'\i} \'\i  \v{\j} \i", "í í íǰ ı"),
        (r"\aa\AA\ae\AE\oe\OE\o\O\l\L\ss\dh\th\ng", "åÅæÆœŒøØłŁßðþŋ"),
        (r"K{\aa}re \AA rhus Stra\ss e {\O}ystein \L{}ukasz", "Kåre Århus Straße Øystein Łukasz"),
        (r"\& \% \_ \# \$ \{ \}", "& % _ # $ { }"),
        (r"50% of 100\% & more", "50% of 100% & more"),
        (r"\textit{a} \emph{b} \textbf{c} \textsc{d} \mbox{e} \text{f} {\em g} {\it h}", "a b c d e f g h"),
        (r"{\noopsort{1973b}}1973 \noopsort{x}y", "1973 y"),
        (r"a~b\,c\ d\\e", "a b c d e"),
        ("1--2 a---b ``quoted'' it's", "1–2 a—b “quoted” it's"),
        (r"The $O(n^{2} \log n)$ {A}lgorithm", r"The $O(n^{2} \log n)$ Algorithm"),
        ("$a$ costs $5 and $$x_{1}$$", "$a$ costs $5 and $$x_{1}$$"),
        (r"for \$5 and \$6 {X}", "for $5 and $6 X"),
        (r"\unknown{arg} \foo bar \baz[x]{y}", "arg bar [x]y"),
        (r"\url{http://x.org/~u/a%20b_c--d} \href{http://y}{click \'e}", "http://x.org/~u/a%20b_c--d click é"),
        (r"\LaTeX{} and \TeX\ here", "LaTeX and TeX here"),
        (r"\alpha-synuclein and 5\,\textmu m", "α-synuclein and 5 µm"),
        (r"x\~{}y \^{}", "x~y ^"),
        (r"\t{oo} G\"{o}del G{\"o}del {\'E}cole Fran{\c c}ois Erd{\H o}s", "o͡o Gödel Gödel École François Erdős"),
        (r"{{Nested} {{GPU}s}}  and" + "\n  space ", "Nested GPUs and space"),
        (r"discre\-tion\/ary", "discretionary"),
        (r"\textbackslash{} \textless{}b\textgreater", r"\ <b>"),
        ("plain text", "plain text"),
        ("e\u0301", "é"),
        ("a\u00a0b", "a b"),
        ("", ""),
        ("}{", ""),
        ("\\", ""),
        ("\\'", ""),
        (r"\'{", ""),
        (r"\"1 \"", "1"),
    ],
)  # fmt: skip
def test_decode(text: str, shown: str) -> None:
    assert decode(text) == shown


@given(st.text(alphabet="aeio \\{}$~`'\"^-.cvH%&\n1", max_size=60))
def test_any_text(text: str) -> None:
    shown = decode(text)
    assert shown == " ".join(shown.split())
    assert unicodedata.is_normalized("NFC", shown)


@given(st.text(max_size=40).filter(lambda text: not set(text) & set("\\{}$~`'-")))
def test_plain_text_is_only_folded(text: str) -> None:
    assert decode(text) == unicodedata.normalize("NFC", " ".join(text.split()))


@given(st.text(alphabet="abc {}", max_size=30))
def test_braces_alone_vanish(text: str) -> None:
    assert decode(text) == " ".join(text.replace("{", "").replace("}", "").split())


@given(
    st.text(st.characters(categories=["Lu", "Ll"], max_codepoint=0x17E, exclude_characters="ĦħĲĳĸĿŀŉŦŧŰű"), max_size=8)
)
def test_agrees_with_pylatexenc(text: str) -> None:
    from pylatexenc.latexencode import unicode_to_latex

    assert decode(unicode_to_latex(text, unknown_char_policy="keep")) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("piece", ["{", "{a", "}", "\\'", "\\'{", "$", "$$", "\\(", "\\url{", "\\noopsort{", "--", "`"])
def test_hostile_text_takes_time_in_proportion(piece: str) -> None:
    decode(piece * (300_000 // len(piece)))
    half = 150_000 // len(piece)
    decode(piece * half + "x" + "}" * half)
