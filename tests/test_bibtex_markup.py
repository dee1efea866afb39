"""HTML in fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.bibtex.latex import rich
from catalog.bibtex.markup import without_html
from catalog.text import plain


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("In <i>vivo</i>", (("text", "In "), ("em", "vivo"))),
        ("H<sub>2</sub>O and x<SUP>3</SUP>", (("text", "H"), ("sub", "2"), ("text", "O and x"), ("sup", "3"))),
        ("<b>a <em>b</em></b>", (("strong", "a "), ("em", "b"))),
        ('<span style="font-variant:small-caps;">ab</span>c', (("sc", "ab"), ("text", "c"))),
        ('<span class="nocase">AB</span>', (("text", "AB"),)),
        ("<m:bold>Great</m:bold> paper<m:linebreak/>", (("strong", "Great"), ("text", " paper"))),
        (r"<jats:p>{\'E}t\'e <jats:italic>x</jats:italic></jats:p>", (("text", "Été "), ("em", "x"))),
        (
            '<inline-formula><tex-math notation="LaTeX">$x^2$</tex-math></inline-formula>-rays',
            (("math", "x^2"), ("text", "-rays")),
        ),
        ("<math xmlns='x'><mi>x</mi></math> <title>y</title>", (("text", "x y"),)),
        ("One<br/>two", (("text", "One two"),)),
        (r"Q&amp;A, R\&amp;D, {\&}quot;x&#34; &#x2013; &eacute;", (("text", 'Q&A, R&D, "x" – é'),)),
    ],
)
def test_what_is_html_is_read_as_such(text: str, pieces: tuple[tuple[str, str], ...]) -> None:
    assert rich(text) == pieces


@pytest.mark.parametrize(
    "text", ["a < b and c > d", "if a<b then", "AT&T; R&D", "<i>open", "<T> types", "x&y;", "&#92;emph"]
)
def test_what_is_none_stays(text: str) -> None:
    assert plain(rich(text)) == text


@given(st.text("<>/ipbsu &;#x2am{}\\$", max_size=40))
def test_this_never_fails_and_leaves_plain_text_alone(text: str) -> None:
    rich(text)
    if "<" not in text and "&" not in text:
        assert without_html(text) == text
