"""What manuscripts cite: LaTeX and what it wrote, Markdown, Typst, reStructuredText, Org; and the files they take in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import KbError
from catalog.ingest.manuscript import cited_in
from catalog.manuscript import read

AUX = r"""\relax
\citation{a,b}
\abx@aux@cite{0}{c}
\abx@aux@segm{0}{0}{c}
\abx@aux@cite{d}
\citation{a}
\@input{chapter.aux}
\bibcite{x}{1}
\@writefile{toc}{\citation{no}}
"""


def test_cited_in_aux() -> None:
    assert read(AUX, "paper.aux") == read(AUX)
    assert read(AUX).cites == ("a", "b", "c", "d")
    assert [include.name for include in read(AUX).includes] == ["chapter.aux"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\cite{a, b ,a}", ["a", "b"]),
        (r"\citep[see][p.~3]{a} \citet*{b} \Citeauthor{c} \citeauthor*{d}", ["a", "b", "c", "d"]),
        (r"\autocites(pre)(post)[1]{a}[see][2]{b} \textcites{c}{d}", ["a", "b", "c", "d"]),
        ("\\parencite%\n  [see [1{]}]\n  {a,%\n  b}", ["a", "b"]),
        (r"\nocite{*}\footcite{a}\fullcite{b}\footcitetext{c}\bibentry{d}", ["*", "a", "b", "c", "d"]),
        (r"\volcite[see]{2}[34]{a} \cite<see>[p.~3]{b}", ["a", "b"]),
        ("% \\cite{x}\n50\\% \\cite{a} % \\cite{y}\n\\\\% \\cite{z}", ["a"]),
        ("\\begin{verbatim}\\cite{x}\n%\\end{verbatim}\\cite{a}", ["a"]),
        (r"\verb|\cite{x}| \verb*+%+ \lstinline[a=b]{\cite{y}} \cite{a}", ["a"]),
        ("\\verb|unclosed\n\\cite{a}", ["a"]),
        (r"\begin{verbatim} \cite{a}", ["a"]),
        (r"\newcommand{\mycite}[1]{\cite{#1}} \citestyle{apa}\setcitestyle{x}\citetext{see}\mycite{a}", ["a"]),
        (r"\\cite{no} \cite{a} \end{document} \cite{x}", ["a"]),
        (r"\cite[unclosed \cite{a}", ["a"]),
        ("\\citeA{a}\\citeNP{b}\\citealp{c}\\possessivecite{d}\\citeyearpar{e}", ["a", "b", "c", "d", "e"]),
        (r"\newcite{a} \newcites{s}{Secondary} \citesec{b}", ["a", "b"]),
        (r"\textcquote[p. 3]{a}{x} \foreigntextcquote{ngerman}{b}{x} \blockcquote{c}{x}", ["a", "b", "c"]),
        (r"\begin{displaycquote}[3]{a} x \end{displaycquote}", ["a"]),
        (r"\iffalse \cite{x} \ifnum1=1 \cite{x} \else \fi \cite{x} \else \cite{a} \fi \cite{b}", ["a", "b"]),
        (r"\iftrue \cite{a} \else \iffalse\fi \cite{x} \fi $p \iff q$ \ifthenelse{1}{\cite{b}}{}", ["a", "b"]),
        (r"\newif\ifdraft \ifdraft \cite{a} \else \cite{b} \fi \iffalse \cite{c}", ["a", "b", "c"]),
        (r"\newcommand{\see}[2][x]{(see \citep[#1]{#2})} \see{a, b} \see[p. 3]{c}", ["a", "b", "c"]),
        (
            r"\def\two#1#2{#1~\cite{#2}} \two{no}{a} \let\y=\citet \y{b} \newcommand\w{\citep} \w[see]{c}",
            ["a", "b", "c"],
        ),
        (r"\NewDocumentCommand{\v}{s O{} m}{\cite[#2]{#3}} \v*[no]{a} \v{b}", ["a", "b"]),
        (r"\newcommand{\em}[1]{\textit{#1}} \em{x}", []),
        ("", []),
    ],
)
def test_cited_in_tex(text: str, expected: list[str]) -> None:
    assert list(read(text, "paper.tex").cites) == expected


def names(text: str, name: str) -> list[tuple[str, str, int]]:
    """The files a text takes in: name, folder, line."""
    return [(include.name, include.folder, include.line) for include in read(text, name).includes]


def test_included_in_tex() -> None:
    text = "\\input{a}% \\input{b}\n\\include{c/d}\\input e\n\\import{f/}{g}\\subimport{h/}{../i}\\input{\\jobname}"
    assert names(text, "x.tex") == [
        ("a", "", 1), ("c/d", "", 2), ("e", "", 2), ("g", "f/", 3), ("../i", "h/", 3), ("", "", 3),
    ]  # fmt: skip
    assert names("\\includegraphics{no}\\iffalse\\input{no}\\fi\\verbatiminput{no}\\inputencoding{no}", "x.tex") == []


BCF = """<bcf:controlfile><bcf:citekey order="1">a</bcf:citekey><bcf:citekey order="2" type="set" members="b,c">s</bcf:citekey>
<bcf:citekey order="3" nocite="1">d&amp;e</bcf:citekey></bcf:controlfile>"""
MARKDOWN = r"""---
# @no
nocite: |
  @front, @*
---
@a says [see -@b, p. 3; @c_d:e/f.g, @{doi:10.1/x}]. Mail x@y.org, \@no, `@no`, https://m.org/@no, @fig-one. @{https://x.org/n}
<cite data-cite="o,p">x</cite> <!-- @no --> <b>@h</b> *@i* {cite:p}`j,k` \citep[see][]{tex}

[^1]: @l

    @no

```{r fig.cap="x", child = c('one.Rmd', "two.Rmd")}
#| fig-cap: "@m"
@no
```

{{< include parts/_three.qmd >}}
"""
TYPST = r"""#import "@preview/x:1.0": y
#include "one.typ" // @no
= Head <own>
@own @a. @b[p. 3] (@c:d), #cite(<e>) #cite(label("f/g")) mail@no.org \@no `@no` $ @no $ "@h"
/* @no /* @no */ @no */ #let s = "@no" #link("https://x.org/@no")[@i] https://x.org/@no
#cite(form: "prose", <j>) #ref(<k:1>, supplement: [p. 3]) #quote(attribution: <l>)[#cite(<m>,
  form: "full")] #bibliography("r.bib", full: true) #citet("own-command")
"""
RST = """
:cite:`a,b` :cite:p:`c` :footcite:t:`{see}d{p. 1}` [e]_ [1]_ [f]_ ``:cite:`no```

.. [f] Own

.. comment :cite:`no`
   :cite:`no`

Text::

   :cite:`no`

.. include:: one.rst
.. toctree::
   :maxdepth: 2

   two
   Title <sub/three>

:cite:`g`
"""
ORG = """[cite/t:see @a p. 3; @b] cite:c,d citep:&e;&f
#+begin_src
cite:no
#+end_src
#+INCLUDE: "one.org"
# cite:no
: cite:no
=cite:no= ~[cite:@no]~ [[cite:g]] [[citep:see &h p. 2; &i][text]] parencite:j \\citet{k} [cite/n:@*]
"""
ADOC = """cite:[a] citenp:[b(45), c] `cite:[no]`
----
cite:[no]
----
// cite:[no]
include::one.adoc[]
"""
LYX = r"""\begin_inset CommandInset citation
LatexCommand citep
after "p. 3"
key "a,b"
literal "false"

\end_inset
\begin_inset CommandInset include
LatexCommand input
filename "one.lyx"
"""


@pytest.mark.parametrize(
    ("text", "name", "expected", "files"),
    [
        (BCF, "x.bcf", "a b c d&e", ""),
        (BCF, "", "a b c d&e", ""),
        (MARKDOWN, "x.qmd", "front * a b c_d:e/f.g doi:10.1/x https://x.org/n o p h i j k l m", "parts/_three.qmd one.Rmd two.Rmd"),
        (TYPST, "x.typ", "* e f/g j k:1 l m a b c:d h i", "one.typ"),
        (RST, "x.rst", "a b c d g e", "one.rst two sub/three"),
        (ORG, "x.org", "a b * g h i c d e f j k", "one.org"),
        ('{"cells": [{"cell_type": "markdown", "source": ["As ", "@a"]}, {"cell_type": "code", "source": "@no"}]}',
         "x.ipynb", "a", ""),
        (ADOC, "x.adoc", "a b c", "one.adoc"),
        (LYX, "x.lyx", "a b", "one.lyx"),
        (r"\mcite{a,*b} \if0 \cite{no}\fi \if01\cite{no}\fi", "x.tex", "a b", ""),
        ("{", "x.ipynb", "", ""),
        ("As @a says", "", "a", ""),
        ("\\documentclass{x} \\cite{a} b@c", "", "a", ""),
    ],
)  # fmt: skip
def test_every_kind(text: str, name: str, expected: str, files: str) -> None:
    found = read(text, name)
    assert [key for key in found.cites if key not in found.labels] == expected.split()
    assert [include.name for include in found.includes] == files.split()


def test_what_may_be_something_else_is_unsure() -> None:
    assert read(MARKDOWN, "x.md").unsure == ("fig-one", "tex")
    assert read(TYPST, "x.typ").unsure == ("no.org", "own-command")


NAMES = st.sampled_from(
    ["x.tex", "x.md", "x.typ", "x.rst", "x.org", "x.adoc", "x.lyx", "x.aux", "x.bcf", "x.ipynb", ""]
)
PIECES = ["\\cite", "[", "]", "{", "}", "a", ",", "%", "\n", "\\", "\\verb|", "(", "<", "*", "@", "`", "$", "\\iffalse",
          "\\else", "\\fi", "\\def\\x#1", "\\x", ".. ", "::", ":cite:", "/*", "*/", "#", '"', "  ", "---\n", "cite:"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES)), NAMES)
def test_any_text_is_read(pieces: list[str], name: str) -> None:
    found = read("".join(pieces), name).cites
    assert len(found) == len(set(found))


@pytest.mark.parametrize("name", ["x.tex", "x.md", "x.typ", "x.rst", "x.org", "x.adoc", "x.lyx"])
@pytest.mark.parametrize(
    "piece",
    ["\\cite[", "\\cite", "\\", "\\begin{verbatim}", "\\verb|", "\\cites{a}", "\\cites(", "%", "\\begin ", " ", "@",
     "\\iffalse", "\\newcommand{\\x}[1]{", "``", "/*", ":cite:`", "[cite:", ".. x\n", "@a:", "<a>", "$", "cite:a,", '="', "=a", "[[cite:", "&a", "cite:[", "(<", "----\n"],
)  # fmt: skip
def test_reading_takes_no_longer_than_the_text(piece: str, name: str) -> None:
    read(piece * 3_000, name)


def write(folder: Path, **texts: str) -> None:
    """Files of these texts; `_` in a name is a `/`, `__` the dot before its ending."""
    for name, text in texts.items():
        path = folder / name.replace("__", ".").replace("_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_files_are_followed_as_latex_finds_them(tmp_path: Path) -> None:
    write(
        tmp_path,
        thesis_main__tex="\\usepackage{own,amsmath}\\import{parts/}{one}\\subimport{parts/}{two}\\input{../out}\\input{main}",
        thesis_parts_one__tex="\\input{beside}\\see{a}",
        thesis_parts_beside__tex="\\cite{b}",
        thesis_parts_two__tex="\\subimport{deep/}{three}\\input{gone}",
        thesis_parts_deep_three__tex="\\cite{c}",
        thesis_own__sty="\\newcommand{\\see}[1]{\\cite{#1}}",
        out__tex="\\cite{d}",
    )
    found = cited_in([tmp_path / "thesis" / "main.tex"])
    assert set(found.keys) == {"a", "b", "c", "d"}
    assert len(found.files) == 7
    assert [line.split(": ")[0] + ": " + line.split(": ", 1)[1] for line in found.not_read] == [
        "read from outside: main.tex:1: \\input{../out}",
        "not read: parts/two.tex:1: \\input{gone}: no such file",
    ]


def test_other_kinds_are_followed_from_where_they_stand(tmp_path: Path) -> None:
    write(
        tmp_path,
        book__typ='#include "ch/one.typ" @lab',
        ch_one__typ='#include "two.typ" @a',
        ch_two__typ="= H <lab>\n@b",
        index__rst=".. toctree::\n\n   ch/page\n   ch/gone\n",
        ch_page__rst=":cite:`c`",
    )
    assert set(cited_in([tmp_path / "book.typ"]).keys) == {"a", "b"}
    pages = cited_in([tmp_path / "index.rst"])
    assert pages.keys == ("c",)
    assert len(pages.not_read) == 1


def test_what_cites_nothing_or_is_no_text_is_said(tmp_path: Path) -> None:
    write(tmp_path, a__tex="\\input{gone}", b__pdf="%PDF", c__tex="\0\0")
    with pytest.raises(KbError, match=r"no citation in it\nnot read: a.tex:1: .input\{gone\}: no such file"):
        cited_in([tmp_path / "a.tex"])
    for name in ("b.pdf", "c.tex"):
        with pytest.raises(KbError, match="not a text"):
            cited_in([tmp_path / name])
