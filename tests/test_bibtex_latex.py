"""LaTeX as plain text."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.bibtex.commands import defined
from catalog.bibtex.latex import decode, rich
from catalog.text import formula, html, plain


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
        (r"The $O(n^{2} \log n)$ {A}lgorithm", "The O(n² log n) Algorithm"),
        (r"Hard $\int_0^q f$, $x^q$ and $5", r"Hard $\int_0^q f$, $x^q$ and $5"),
        ("$a$ costs $5 and $$x_{1}$$", "a costs $5 and x₁"),
        (r"for \$5 and \$6 {X}", "for $5 and $6 X"),
        (r"\unknown{arg} \foo bar \baz[x]{y} {\Qux} \quux{}", "arg foo bar y Qux quux"),
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
        (r"\"1 \" (000\=1)", "1\u0308 (0001\u0304)"),
        (r"\textalpha-synuclein \textsterling 5 \textnumero\ 3", "α-synuclein £5 № 3"),
        (r"Cells\thanks{Funded by {X}} grow\footnote[1]{No.}", "Cells grow"),
        (r"\texorpdfstring{$\pi$}{pi} calculus of `small' things", "π calculus of ‘small’ things"),
        (r"\enquote{one} \enquote*{two} \mkbibquote{three}", "“one” ‘two’ “three”"),
        (r"5\vphantom{X} \ocirc{u} \kern-.05em\raise 0.5ex\hbox{x} \relax Sextus", "5 ů x Sextus"),
        (r"H\textsubscript{2}O, the 4\textsuperscript{th}, 10\textsuperscript{-3}, \ce{Fe2O3}", "H₂O, the 4th, 10⁻³, Fe₂O₃"),
        (r"{\ssf BM2} {\eightrm MP} {\VAX}\slash{\MF}\Dash x {\SMC sgml}", "BM2 MP VAX/MF—x SMC sgml"),
        (r"\verb|a_b| \char65 \symbol{66} \accent19 e \MakeUppercase{abc}", "a_b AB é ABC"),
        (r"\href[x]{http://y}{click} \foreignlanguage{german}{Wort} \raisebox{1pt}{up}", "click Wort up"),
        (r"\ding{51} \ding{55}\ding{72} \ding{172} \checkmark", "✓ ✗★ ① ✓"),
        (r"\(x^2\) and \ensuremath{\beta}", "x² and β"),
        (r"\foo{a}{b} \makebox[1cm]{c} \rotatebox{90}{d} e\nobreakdash-f \char`\~ \ce{SO4^2-}\dag", "a b c d e-f ~SO₄²⁻†"),
        (r"$\operatorname{edim}(R)$ $O(n\log n)$", "edim(R) O(n log n)"),
        (r"$n\times n$, $a \cdot b$, $B\to X$, $\langle x \rangle$, $\not\in$", "n×n, a · b, B→X, ⟨x⟩, ∉"),
        (r"\begin{center}a\end{center}", "a"),
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


PREAMBLE = r"""
@preamble{ "\newcommand{\noopsortx}[1]{} \def\XML{{\sc xml}} \providecommand\swap[2]{#2#1}"
  # "\newcommand{\opt}[2][dd]{#1-#2} \let\again\XML \DeclareRobustCommand*{\prog}[1]{\texttt{#1}}"
  # "\ifx \undefined \booktitle \def \booktitle #1{{{\em #1}}} \fi \def\loop{\loop\loop}" }
"""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"\noopsortx{1a}1973 {\XML} \again{} files", "1973 xml xml files"),
        (r"\swap{b}{a} \opt{x} \opt[y]{z} \swap cd", "ab dd-x y-z dc"),
        (r"\prog{x_y} on \booktitle{The {B}ook}", "x_y on The Book"),
    ],
)
def test_commands_of_a_preamble(text: str, shown: str) -> None:
    assert decode(text, defined(PREAMBLE)) == shown


def test_a_definition_that_never_ends_does() -> None:
    bomb = "".join(rf"\def\{a}{{\{b}\{b}\{b}}}" for a, b in zip("abcdefghijk", "bcdefghijkl", strict=True))
    assert len(decode(r"\a \loop", defined(PREAMBLE + bomb))) < 100_000


def test_what_is_emphasised_and_what_is_a_formula_stays_so() -> None:
    pieces = rich(r"On \emph{E.~coli} {\sc and} $\alpha_x$: H\textsubscript{2}O \texttt{a--b}")
    assert pieces == (
        ("text", "On "), ("em", "E. coli"), ("text", " "), ("sc", "and"), ("text", " "), ("math", r"\alpha_x"),
        ("text", ": H"), ("sub", "2"), ("text", "O "), ("code", "a--b"),
    )  # fmt: skip
    assert plain(pieces) == "On E. coli and αₓ: H₂O a--b"
    assert html((("em", "<i>"), ("math", "a<b"))) == '<em>&lt;i&gt;</em><span class="arithmatex">$a&lt;b$</span>'


@pytest.mark.parametrize(
    ("tex", "shown"),
    [
        (r"O(n\log n)", "O(n log n)"), (r"\mathbb{R}^n", "ℝⁿ"), (r"x^{n+1}_i", "xⁿ⁺¹ᵢ"), (r"90^\circ", "90°"),
        (r"k\text{ nearest}", "k nearest"), (r"\mu o \nu o", "μoνo"), (r"\frac12", "1/2"), (r"\sqrt{s} = 13", "√s = 13"),
        (r"e^+e^-", "e⁺e⁻"), (r"\bar{B}^0 \to K", "B̄⁰ → K"), (r"{\rm GL}(2) \times 3", "GL(2) × 3"),
        (r"\begin{matrix}a\end{matrix}", r"$\begin{matrix}a\end{matrix}$"), (r"\foo", r"$\foo$"), ("x^q", "$x^q$"),
        ("{" * 500, "$" + "{" * 500 + "$"), ("", "$$"),
    ],
)  # fmt: skip
def test_formulas(tex: str, shown: str) -> None:
    assert formula(tex) == shown


words_of_titles = st.lists(
    st.sampled_from(
        [
            *("LoRA", "the", "of", "Xu", "data", "42"),
            *(r"\emph{on}", r"{\tt code}", r"\XML{}", r"{\Foo}", r"\acro{PDF}", r"\foo{arg}", r"``quoted''", "a--b"),
            *(r"$\alpha$", r"$x_2$", r"\textbf{\textit{deep}}", r"{{Kept}}", r"p\_q", r"\enquote{said}"),
        ]
    ),
    min_size=1,
    max_size=8,
)


@given(words_of_titles)
def test_no_word_vanishes(pieces: list[str]) -> None:
    shown = decode(" ".join(pieces))
    named = {r"\XML{}": ["XML"], r"{\Foo}": ["Foo"], r"$\alpha$": ["α"], r"$x_2$": ["x₂"], r"p\_q": ["p_q"]}
    for piece in pieces:
        words = named.get(piece) or re.findall(r"[A-Za-z0-9]+", re.sub(r"\\[a-z]+", " ", piece))
        assert all(word in shown for word in words), piece


def test_quotations_within_quotations() -> None:
    assert decode(r"\enquote{a \enquote{b \enquote{c}}} \SortNoop{z}d") == "“a ‘b “c”’” d"


def test_what_a_preamble_draws_is_read_by_its_name_or_left_out() -> None:
    preamble = r"""@preamble{"\def\cprime{$'$} \def\polhk#1{\setbox0=\hbox{#1}{\ooalign{\hidewidth
 \lower1.5ex\hbox{`}\hidewidth\crcr\unhbox0}}} \def\Dbar{\leavevmode\lower.6ex\hbox to 0pt{\hskip-.23ex\accent"16\hss}D}
 \def\fancy#1#2{\setbox0\hbox{#1}\ifmmode#1\else#2\fi} \def\XeTeX{X\kern-.1em\lower.5ex\hbox{E}\TeX}"}"""
    commands = defined(preamble)
    text = r"Gr\cprime in, W\polhk{e}gier, \Dbar inh, \fancy{a}{b}, \XeTeX, Franc\ocirc{u}"
    assert decode(text, commands) == "Gr′in, Węgier, Đinh, ab, XETeX, Franců"
