"""A paper's implementation on its page: equations, annotated source, claims, demo; and that none of it is ever run."""

from __future__ import annotations

import ast
import json
import math
import random
import re
from collections.abc import Callable, Iterable, Iterator
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browsing import served, visiting
from hypothesis import given, settings
from hypothesis import strategies as st
from support import known
from test_site_browser import ATTACKS, LOW_CONTRAST, tick

from catalog.facts import Facts
from catalog.library import Library
from catalog.pages import Implementation, SiteOptions, build, render
from catalog.pages.annotated import annotated
from catalog.pages.curve import curve
from catalog.pages.docstring import docstring_html
from catalog.pages.equations import rows
from catalog.pages.implementation import implementation_html
from catalog.pages.mathematics import math_html
from catalog.pages.quantity import number, powers, seconds, share, size
from catalog.pages.typed import equation
from catalog.pages.verdicts import found_in_short, results, standing, tallies
from refimpl import cards
from refimpl.registry import PACKAGE, read_card

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SOURCE = r'''"""Tiny: scale W by one number.

Doe et al. 2026, section 2:

    h = g W x                 g  is trained

    x  (..., k)  input        W  (d, k)  frozen weight

Left out: `bias`.
"""

from __future__ import annotations

PAPER = "doe2026tiny"


class Scaled:
    """A layer whose output is scaled."""

    def forward(self, x):
        """Equation 1."""
        return self.g * self.base(x)


# --- what the paper says ---


@exact
def claim_start():
    """Section 2: at the start nothing moves."""


@exact
def claim_merge():
    """Section 2: merged equals unmerged."""


@direction
def claim_better():
    """Table 1: it is better."""


@headline
def claim_big():
    """Table 2: 99 % on everything."""


def demo(): ...
'''


def made(folder: Path, source: str = SOURCE, runs: dict[str, Any] | None = None, name: str = "tiny") -> Implementation:
    file = folder / f"{name}.py"
    file.write_text(source, encoding="utf-8")
    return Implementation(read_card(file), source, runs or {})


def row(name: str, says: str, verdict: str, *measured: dict[str, Any], why: str = "") -> dict[str, Any]:
    return {"name": name, "says": says, "verdict": verdict, "why": why, "measured": list(measured), "seconds": 0.1}


def one(what: str, value: float | None, demanded: str, verdict: str) -> dict[str, Any]:
    return {"what": what, "value": value, "demanded": demanded, "verdict": verdict}


ENVIRONMENT = {
    "device": "Some CPU", "kind": "cpu", "dtype": "float32", "date": "2026-11-24T09:13:39+00:00", "python": "3.11.7",
    "versions": {"torch": "2.13.0", "peft": ""}, "commit": "45de70a4d8131cd3f3dea97071e991fd4cdbb880",
}  # fmt: skip
RUN = {
    "environment": ENVIRONMENT,
    "claims": [
        row("claim_start", "Section 2: at the start nothing moves.", "holds",
            one("largest difference", 3.2e-16, "at most 1e-12", "holds")),
        row("claim_better", "Table 1: it is better.", "not shown", one("gain", -0.25, "over 0", "not shown")),
        row("claim_big", "Table 2: 99 % on everything.", "not verified here",
            one("99 %", None, "table 2", "not verified here")),
    ],
}  # fmt: skip
DEMO = {
    "model": "tiny", "task": "python", "options": {"rank": 8}, "seed": 0, "environment": ENVIRONMENT,
    "metric": {"name": "nats a token", "better": "lower", "n": 12192, "chance": None},
    "before": {"value": 8.387, "samples": [{"given": "def f(", "said": " a place", "expected": "x):"}]},
    "after": {"value": 4.657, "samples": [{"given": "def f(", "said": "x): ", "expected": "x):"}]},
    "merged": {"value": 4.657}, "parameters": {"all": 2762304, "trainable": 130560, "share": 0.0473},
    "bytes": {"adapter": 522240, "peak": 610770944, "peak_of": "the whole process"},
    "training": {"steps": 60, "seconds": 9.3, "tokens_a_second": 6606.4, "losses": [8.0, 6.0, 5.0]},
}  # fmt: skip


def words(markup: str) -> str:
    """What a reader reads."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", markup)).split())


# --- equations ---

UNDERSTOOD = {
    "W' = W + (alpha / r) B A": r"W' &= W + \frac{\alpha}{r} B A",
    "dA = s (g B)^T x": r"d A &= s (g B)^\top x",
    "dL1 = s X^T (g L2^T)": r"d L_{1} &= s X^\top (g L_{2}^\top)",
    "g_l = dl/dtheta_l": r"g_{l} &= \frac{d l}{d \theta_{l}}",
    "theta_l <- theta_l - alpha g_l": r"\theta_{l} &\gets \theta_{l} - \alpha g_{l}",
    "g_l <- None": r"g_{l} &\gets \operatorname{None}",
    "m -> m / f": r"m &\to m / f",
    "h = softmax(q k^T / sqrt(D)) v": r"h &= \operatorname{softmax} (q k^\top / \sqrt{D}) v",
    "P in R^{p x e}": r"P &\in \mathbb{R}^{p \times e}",
    "x_i = x_{ij} + W_down x_0": r"x_{i} &= x_{ij} + W_{\mathrm{down}} x_{0}",
    "c = max_i |x_i|": r"c &= \max_{i} \lvert x_{i} \rvert",
    "A = sum_i x_i y_i^T": r"A &= \sum_{i} x_{i} y_{i}^\top",
    "E = mean(x), F != 0": None,
    "L = -log p(y | x)": r"L &= -\log p (y \mid x)",
    "x <= 2e-3": r"x &\le 2 \cdot 10^{-3}",
    "i = 1..n": r"i &= 1 \mathbin{..} n",
    "y = [P; X] W": r"y &= [P; X] W",
    "F_ii = E[(dL/dtheta_i)^2]": r"F_{ii} &= E \left[\left(\frac{d L}{d \theta_{i}} \right)^{2} \right]",
    "f = ceil(n / n_0)": r"f &= \lceil n / n_{0} \rceil",
    "h = g * W x": r"h &= g \ast W x",
    "y = W~ x + P(x)": r"y &= \tilde{W} x + P (x)",
    "z ~ N(0, sigma^2)": r"z &\sim N (0, \sigma^{2})",
    "h_i = LM(x_i, h_<i)": r"h_{i} &= \operatorname{LM} (x_{i}, h_{<i})",
}
LEFT_ALONE = [
    "x  (..., k)  input", "W (d x k) = 3", "the loss is l = 3", "so h = W x at step 0", "a_i_j = 3", "x^2' = 1",
    "y = x in bf16", "y = x, otherwise", "n_0k = 2", "x = (", "(x", "x", "", "= x", "x == y", "x.T = y", 'x = "y"',
    "4 + 8/64 = 4.127 bits a weight", "x = y # shape", "for i = 1", "x = " + "(" * 40 + "y" + ")" * 40,
    "x = " + "a + " * 200 + "b", "x = é", "\\alpha = 1", "x = ${y}", "if a = b", "x += 1", "x = a b 3", "y = P^(p x e)", "y = x~z", "y = 2~ x",
]  # fmt: skip


@pytest.mark.parametrize(("typed", "tex"), [(typed, tex) for typed, tex in UNDERSTOOD.items() if tex])
def test_an_equation_becomes_the_same_equation(typed: str, tex: str) -> None:
    assert equation(typed) == tex


@pytest.mark.parametrize("typed", LEFT_ALONE)
def test_what_may_be_something_else_is_left_alone(typed: str) -> None:
    assert equation(typed) is None


def test_lines_are_equations_all_of_them_or_none() -> None:
    found = rows(["dA = s x     dB = s y     (3)", "m -> m / f     position m, with f = ceil(n / n_0)"])
    assert found is not None
    assert [row.remark for row in found] == ["", "(3)", "position m, with f = ceil(n / n_0)"]
    assert rows(["h = W x", "x  (..., k)  input"]) is None
    found = rows(["X = [P; x]     maximise  log Pr(y | X)  over P", "y = 2,  z = 3  (d, k)     none"])
    assert found is not None
    assert [row.remark for row in found] == ["maximise log Pr(y | X) over P", "", "(d, k); none"]


@given(st.text(alphabet="abxABWRT0129 _^{}()[]|'+-*/=<>,;:.~@", max_size=60) | st.text(max_size=30))
def test_no_text_breaks_the_reader_of_equations(typed: str) -> None:
    found = equation(typed)
    assert found is None or re.fullmatch(r"[\w \\^{}()\[\]|'+\-*/=<>,;:.&~@]+", found, re.ASCII)


def not_set(formulas: Iterable[str]) -> list[str]:
    """Formulas that cannot be set."""
    return [tex for tex in formulas if "kb-tex" in math_html(tex, block=True)]


def docstrings() -> list[str]:
    kinds = (ast.Module, ast.FunctionDef, ast.ClassDef)
    trees = [ast.parse(path.read_bytes()) for path in sorted(PACKAGE.glob("*.py"))]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, kinds)]
    return [doc for node in nodes if (doc := ast.get_docstring(node))]


def test_every_equation_of_our_implementations_is_typeset() -> None:
    markup = "".join(docstring_html(doc) for doc in docstrings())
    assert markup.count("<math ") >= 5
    assert "kb-tex" not in markup
    for kept in re.findall(r"<div class=\"kb-asis.*?</div>", markup):
        lines = words(kept.replace("&#10;", "</x><x>"))
        assert not re.match(r"[hWY]'? = ", lines), "an equation stayed as it was typed"


def test_whatever_is_understood_can_be_set() -> None:
    chance = random.Random(0)
    pieces = re.findall(
        r"[^;]+",
        "x;W;alpha;L1;n_0;x_i;^T;^2;^{-1};'; ; ; + ; - ; = ; / ;(;);[;];, ;|;||;sqrt(;sum_i ;R^{p x e}; in ;dL/dW;2;1e-3"
        ";..;_{ij};max_i ;(alpha / r);softmax(; * ;dB;loss;~;<-",
    )
    typed = ("x = " + "".join(chance.choices(pieces, k=chance.randint(1, 9))) for _ in range(20_000))
    found = sorted({tex for text in typed if (tex := equation(text))})
    assert len(found) > 500
    assert not_set(rf"\begin{{aligned}}{tex}\end{{aligned}}" for tex in found) == []


# --- docstrings and sources ---


def test_a_docstring_is_prose_mathematics_and_what_stays_as_it_was() -> None:
    markup = docstring_html(ast.get_docstring(ast.parse(SOURCE)) or "")
    assert math_html("h = g W x", block=True) in markup
    assert '<p class="kb-remark">g is trained</p>' in unescape(markup)
    assert "x  (..., k)  input        W  (d, k)  frozen weight" in unescape(markup)
    assert "<p>Left out: <code>bias</code>.</p>" in markup


def test_lists_are_lists() -> None:
    markup = docstring_html("What it is not:\n\n- one\n  goes on\n- two <b>")
    assert unescape(markup) == "<p>What it is not:</p><ul><li>one goes on</li><li>two <b></li></ul>"


TRICKY = [
    SOURCE, "", "x = 1", "'''only a docstring'''", "def f(): 'one line'\n", "def f():\n    'doc'; return 1\n",
    'class A:\n    """Doc."""\n\n\n    x = 1\n', "a = 1; b = 2\ndef f():\n    pass\n# end\n", "not Python at all: (",
    "x = 1\r\n\r\n# --- part ---\r\n\r\n@d(\r\n  1)\r\ndef f():\r\n\t'''doc\r\n\tmore'''\r\n\treturn 1\r\n",
    '"""' + "x\\n" * 3 + '"""\nimport a\n\n\n# about b\nasync def b():\n    """B.\n\n        x = 1\n    """\n',
    "def f(): pass\nx = '''a\nb'''\ndef g(): pass", "\x0c\ndef f():\n    return '\x0c'\n", "(" * 500 + ")" * 500,
]  # fmt: skip


@pytest.mark.parametrize("source", [*TRICKY, *(path.read_text() for path in sorted(PACKAGE.glob("*.py")))])
def test_every_line_of_a_source_is_shown_once_or_stands_beside(source: str) -> None:
    lines = source.replace("\r\n", "\n").split("\n")
    blocks = annotated(source, "1-")
    shown = re.findall(
        r'<span class="kb-line" id="1-L(\d+)"[^>]*><a [^>]*></a>(.*?)&#10;</span>(?=<span class="kb-line|\Z)',
        "".join(block.code for block in blocks),
    )
    numbers = [int(n) for n, _ in shown]
    assert numbers == sorted(set(numbers))
    beside = "".join(words(row.note) for block in blocks for row in block.rows)
    for n, markup in shown:
        code, line = unescape(re.sub(r"<[^>]*>", "", markup)), lines[int(n) - 1]
        comment = line[len(code) :].strip()
        assert line.startswith(code)
        assert not comment or re.match(r"# ?(?:noqa|type:|fmt:)", comment) or "=" in comment or told(comment, beside)
    gone = {n for block in blocks for n in block.without}
    assert all(n in numbers or n in gone or not line.strip() for n, line in enumerate(lines, 1))


def told(comment: str, beside: str) -> bool:
    """Whether the words of a comment stand beside the code; what is set as a formula has other signs."""
    return all(word in beside for word in re.findall(r"[a-z]{4,}", comment))


def test_source_stands_beside_its_docstring() -> None:
    blocks = annotated(SOURCE, said="Tiny: scale W by one number.")
    assert [block.name for block in blocks] == [
        "",
        "Scaled",
        "claim_start",
        "claim_merge",
        "claim_better",
        "claim_big",
        "demo",
    ]
    assert "Tiny" not in blocks[0].doc
    assert blocks[1].doc == "<p>A layer whose output is scaled&#46;</p>".replace("&#46;", ".")
    assert "A layer" not in words(blocks[1].code)
    assert "Equation 1" in words(blocks[1].rows[1].note)
    assert "class Scaled" in words(blocks[1].rows[0].code)
    assert "def forward" in words(blocks[1].rows[1].code)
    assert blocks[2].heading == "what the paper says"
    assert "what the paper says" not in words("".join(block.code for block in blocks))


def test_a_long_source_is_shown_in_a_time_that_grows_with_it() -> None:
    source = "x = 1\n\n" * 12_000 + "# --- a ---\n" * 3000
    assert len(annotated(source)) == 1
    assert len(annotated("y = 2\n" * 50_000)[0].code) > 50_000


@given(st.text(max_size=200))
def test_no_text_breaks_the_listing(source: str) -> None:
    for block in annotated(source):
        assert "\n" not in block.code + block.doc


# --- numbers and the curve ---


def test_numbers_read_well() -> None:
    said = [number(n) for n in (0, 1, 192.0, -0.25, 3.2e-16, 1e-12, 12345.678, 1234567.0, 2.5e12)]
    assert said == ["0", "1", "192", "−0.25", "3.2 × 10⁻¹⁶", "10⁻¹²", "12,346", "1,234,567", "2.5 × 10¹²"]
    assert [number(n) for n in (math.nan, math.inf, -math.inf)] == ["not a number", "∞", "−∞"]
    assert powers("at most 1e-12, not 2.5e+03 of a1e5") == "at most 10⁻¹², not 2.5 × 10³ of a1e5"
    assert [size(n) for n in (0, 999, 522240, 610770944, -1, math.nan)] == ["0 B", "999 B", "522 kB", "611 MB"] + [
        "unknown"
    ] * 2
    assert [seconds(n) for n in (0.042, 9.31, 305.3, 120)] == ["42 ms", "9.31 s", "5 min 5 s", "2 min"]
    assert [share(n) for n in (0.0473, 1.0, 0.0)] == ["4.7 %", "100 %", "0 %"]


@given(st.floats())
def test_every_number_can_be_said(value: float) -> None:
    assert number(value)
    assert size(value)
    assert seconds(value)


def test_a_curve_says_what_it_shows_and_stays_small() -> None:
    drawn = curve([3 + math.sin(n / 50) for n in range(10_000)], "Training <loss>")
    assert len(drawn) < 3500
    assert 'role="img" aria-label="Training &#60;loss&#62;: from 3 at step 1 to ' in drawn
    assert ">step</text>" in drawn
    assert ">loss</text>" in drawn
    assert curve([1.0]) == curve([]) == curve([math.nan, 1.0]) == ""


@given(st.lists(st.floats(), max_size=400))
def test_a_curve_stays_inside_its_picture(losses: list[float]) -> None:
    drawn = curve(losses)
    for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", "".join(re.findall(r'points="(.*?)"', drawn))):
        assert 0 <= float(x) <= 360
        assert 0 <= float(y) <= 180
    assert "nan" not in drawn


# --- the page ---


def test_what_was_never_run_says_so(tmp_path: Path) -> None:
    said = words(implementation_html([made(tmp_path)]))
    assert "Not yet run." in said
    assert said.count("not yet run") == 4
    assert "99 % on everything. quoted, not verified here" in said
    assert "kb demo tiny Copy" in said
    assert "The demo is not yet run for this page." in said


def test_what_cannot_run_is_not_offered(tmp_path: Path) -> None:
    said = words(implementation_html([made(tmp_path, '"""A: b."""\nPAPER = "x"\n')]))
    assert "This file is not complete: no demo." in said
    assert "Run it" not in said
    assert "kb " not in said


def test_claims_show_what_was_measured_against_what_was_demanded(tmp_path: Path) -> None:
    markup = implementation_html([made(tmp_path, runs={"cpu": RUN})])
    said = words(markup)
    assert "CPU 1 holds 1 not shown 1 not verified here 1 not yet run Some CPU, 24 Nov 2026, python 3.11.7" in said
    assert "torch 2.13.0, commit 45de70a4d" in said
    assert "Not yet run on a GPU." in said
    assert "✓ Holds: Section 2 at the start nothing moves. code largest difference 3.2 × 10⁻¹⁶ (at most 10⁻¹²)" in said
    assert "– Not shown: Table 1 it is better. not shown at this scale code gain −0.25 (over 0) not shown" in said
    assert "· Not verified here: Table 2 99 % on everything. quoted, not verified here code 99 % (table 2)" in said
    assert "· Not yet run: Section 2 merged equals unmerged. not yet run" in said
    order = [
        said.index(f"{kind} {about}")
        for kind, about in (("Exact", "what"), ("Direction", "the"), ("Headline", "numbers"))
    ]
    assert order == sorted(order)


def test_two_devices_are_told_apart_and_the_worse_counts(tmp_path: Path) -> None:
    failed = row("claim_start", "Section 2: at the start nothing moves.", "fails", why="CUDA error: no <b>luck</b>")
    said = words(implementation_html([made(tmp_path, runs={"cpu": RUN, "cuda": {"claims": [failed]}})]))
    assert "Not yet run on a GPU" not in said
    assert "GPU 1 fails 3 not yet run" in said
    assert "✗ Fails: Section 2 at the start nothing moves. fails code CPU largest difference" in said
    assert "GPU CUDA error: no <b>luck</b>" in said


def test_a_claim_in_other_words_was_not_run(tmp_path: Path) -> None:
    old = {"claims": [row("claim_start", "Section 2: something else.", "holds")]}
    assert "Holds" not in words(implementation_html([made(tmp_path, runs={"cpu": old})]))


def test_a_demo_shows_its_table_its_curve_and_samples(tmp_path: Path) -> None:
    markup = implementation_html([made(tmp_path, runs={"cpu": {"demo": DEMO}})])
    said = words(markup)
    assert "nats a token 8.387 → 4.657 lower is better, 12,192 cases" in said
    assert "trained parameters 130,560 4.7 % of 2,762,304" in said
    assert "adapter 522 kB" in said
    assert "peak memory 611 MB the whole process" in said
    assert "training 9.3 s 6,606 tokens a second" in said
    assert "Given def f( Expected x): Before a place After x):" in said
    assert markup.count("<svg") == 1
    assert "Not yet run." in said, "a demo is not a claim"


def test_a_demo_that_is_right_or_wrong_shows_its_cases_ticked(tmp_path: Path) -> None:
    case = {"given": "What is a kud?", "expected": "a small cake"}
    said = [{**case, "said": "a small cake"}, {**case, "given": "What is a nem?", "said": "an old hat"}]
    answered = {
        "metric": {"name": "right answers", "better": "higher", "n": 12, "chance": 1 / 12},
        "before": {"value": 0.0, "samples": [{**one, "said": "Mr."} for one in said] * 4},
        "after": {"value": 0.5, "samples": said * 4},
        "full": {"adapter": 11_000_000},
    }
    shown = words(implementation_html([made(tmp_path, runs={"cpu": {"demo": DEMO | answered}})]))
    assert "What is a kud? Mr. a small cake a small cake ✓ What is a nem? Mr. an old hat a small cake ✗" in shown
    assert shown.count("✓ What") == 3, "six of the eight"
    assert "right answers 0 → 0.5 higher is better, 12 cases, chance 0.0833" in shown
    assert "adapter 522 kB full fine-tuning 11 MB" in shown


def test_blanks_stand_in_a_row_of_their_own(tmp_path: Path) -> None:
    blanks = {part: {"value": 4.0, "blanks": blanks} for part, blanks in (("before", 9.0), ("after", 0.72))}
    assert "blanks, scored apart 9 → 0.72" in words(
        implementation_html([made(tmp_path, runs={"cpu": {"demo": DEMO | blanks}})])
    )


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from([*RUN, *DEMO, *ENVIRONMENT, *RUN["claims"][0], *one("", 0, "", ""), "value", "losses", "samples"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(record=st.dictionaries(st.sampled_from(["claims", "demo", "environment"]), SHAPES), claim=SHAPES, demo=SHAPES)
def test_a_record_may_hold_anything(
    record: dict[str, Any], claim: Any, demo: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    spoilt = {**RUN, **record, "claims": [{**RUN["claims"][0], "measured": claim}, claim]}
    for run in (record, spoilt, {"demo": demo}, {"demo": {**DEMO, "training": demo, "before": claim}}):
        assert "\n" not in implementation_html([made(folder, runs={"cpu": run})])


MATH = "math mrow mi mn mo mspace msub msup msubsup munder mover munderover mfrac msqrt mtable mtr mtd mtext"
OURS = (
    "section h2 h3 h4 a p b div span code ul li em button table caption tbody tr th td small figure svg path text"
    " polyline circle figcaption dl dt dd pre details summary"
)


def attacked(folder: Path, attack: str, number: int) -> Implementation:
    """The attack in every place of a source and a record that a stranger can write to."""
    line = " ".join("".join(c for c in attack if c.isprintable() or c == "\n").split()).replace('"', "'")
    line = line.replace("\\", "/")
    source = SOURCE.replace("scale W by one number", line).replace("at the start nothing moves", line)
    source = source.replace("Left out: `bias`", f"Left out: `{line}`\n\n    h = W x   {line}\n\n    {line}\n\n- {line}")
    source += f"\n# --- {line} ---\ndef x():\n    return {attack.encode('utf-8', 'replace').decode()!r}  # {line}\n"
    run = json.loads(
        json.dumps({**RUN, "demo": DEMO}).replace("Some CPU", "@").replace("tiny", "@").replace("nats a token", "@")
    )
    texts = json.loads(
        json.dumps(run), object_hook=lambda pairs: {k: attack if v == "@" else v for k, v in pairs.items()}
    )
    texts["claims"][0] |= {"says": f"Section 2: {line}.", "why": attack, "measured": [one(attack, 1.0, attack, attack)]}
    texts["environment"] = dict.fromkeys(ENVIRONMENT, attack) | {"versions": {attack: attack}}
    texts["demo"]["options"] = {attack: attack}
    texts["demo"]["after"]["samples"] = [{"given": attack, "said": attack, "expected": attack}]
    return made(folder, source, {"cpu": texts, "cuda": texts}, f"t{number}")


@pytest.mark.parametrize("number", range(len(ATTACKS)))
def test_a_stranger_writes_text_and_nothing_else(number: int, tmp_path: Path) -> None:
    markup = implementation_html([attacked(tmp_path, ATTACKS[number], number)])
    tags = set(re.findall(r"<([^\s>/]+)", markup))
    assert tags <= set(re.findall(r"\w+", f"{OURS} {MATH}"))
    assert not re.search(r"<[^>]*\son\w+=", markup)
    assert not re.search(r"[{}\n`]", markup)


# --- the site ---


def paper(key: str = "doe2026tiny", **more: Any) -> Facts:
    return known(key, f"A paper {key}", **more)


def test_the_site_shows_implementations_with_their_papers(tmp_path: Path) -> None:
    entries = [paper(), paper("other2020"), paper("renamed2021", aliases=("old2021",))]
    old = made(tmp_path, SOURCE.replace("doe2026tiny", "old2021"), name="old")
    lost = made(tmp_path, SOURCE.replace("doe2026tiny", "unknown"), name="lost")
    files = render(entries, SiteOptions(), None, [made(tmp_path), old, lost])
    pages = {name: str(files[f"papers/{name}.md"]) for name in ("doe2026tiny", "other2020", "renamed2021")}
    assert [name for name, page in pages.items() if 'id="implementation"' in page] == ["doe2026tiny", "renamed2021"]
    assert "\nimplementation: true\n" in pages["doe2026tiny"]
    assert "<math" in pages["doe2026tiny"]
    assert files["implementations/tiny.py"] == SOURCE
    assert "implementations/lost.py" not in files
    named = {one["key"]: one["implementations"] for one in json.loads(files["papers.json"])}
    assert named == {"doe2026tiny": ["tiny"], "other2020": [], "renamed2021": ["old"]}


def test_two_implementations_of_a_paper_have_their_own_anchors(tmp_path: Path) -> None:
    markup = implementation_html([made(tmp_path), made(tmp_path, name="second")])
    ids = re.findall(r' id="([^"]*)"', markup)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]*)"', markup)) <= set(ids)
    assert len(set(re.findall(r'data-kb-text="([^"]*)"', markup))) == 4


def test_a_collections_own_code_is_shown_and_never_run(library: Library) -> None:
    own = library.root / "refimpl"
    own.mkdir()
    trap = library.root / "ran"
    body = f"import pathlib\npathlib.Path({str(trap)!r}).touch()\n{SOURCE.replace('from __future__ import annotations', '')}"
    (own / "tiny.py").write_text(SOURCE.partition('"""\n\n')[0] + '"""\n\n' + body, encoding="utf-8")
    (own / "broken.py").write_text("def (", encoding="utf-8")
    (library.root / "papers" / "doe2026tiny.md").write_text("---\ntitle: Tiny\n---\n", encoding="utf-8")
    (library.root / "runs").mkdir()
    (library.root / "runs" / "tiny.cpu.json").write_text(json.dumps({**RUN, "demo": DEMO}), encoding="utf-8")
    page = str(library.pages()["papers/doe2026tiny.md"])
    assert "not shown at this scale" in words(page)
    assert not trap.exists()


# --- in a browser ---


@pytest.fixture(scope="module")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site with our implementations, an invented one with runs, and one for each attack."""
    assert browser.is_connected()
    folder = tmp_path_factory.mktemp("implementations")
    here = [made(folder, runs={"cpu": {**RUN, "demo": DEMO}})]
    here += [Implementation(card, Path(card.path).read_text(), {}) for card in cards() if card.paper]
    bad = [attacked(folder, attack, number) for number, attack in enumerate(ATTACKS)]
    bad = [
        made(folder, one.source.replace("doe2026tiny", f"bad{n}"), dict(one.runs), f"t{n}") for n, one in enumerate(bad)
    ]
    keys = dict.fromkeys(one.card.paper for one in [*here, *bad])
    entries = [paper(key) for key in [*keys, "without2020"]]
    options = SiteOptions(title="Implementations")
    with served(build(folder, render(entries, options, None, [*here, *bad]), options)) as base:
        yield base


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    with visiting(browser, address) as open_page:
        yield open_page


def test_the_table_finds_papers_with_an_implementation(visit: Callable[..., Page]) -> None:
    page = visit("index.html")
    everything = page.locator("table.kb-papers tbody tr").count()
    tick(page, "Verified", "Has an implementation")
    assert page.url.endswith("#verified=run")
    assert page.locator("table.kb-papers tbody tr").count() == everything or everything == 50
    assert page.locator(".kb-title", has_text="without2020").count() == 0
    page.fill("#kb-q", "doe2026tiny")
    page.get_by_role("link", name="Implementation of A paper doe2026tiny").click()
    page.wait_for_url("**/papers/doe2026tiny.html#implementation")


def test_the_command_is_copied_and_the_file_is_saved(visit: Callable[..., Page]) -> None:
    page = visit("papers/doe2026tiny.html")
    page.get_by_role("button", name="Copy kb demo tiny").click()
    page.get_by_text("Copied", exact=True).first.wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "kb demo tiny"
    with page.expect_download() as saved:
        page.get_by_role("link", name="the plain file").click()
    assert Path(saved.value.path()).read_text() == SOURCE


def test_selected_code_is_the_code(visit: Callable[..., Page]) -> None:
    page = visit("papers/doe2026tiny.html")
    page.evaluate("getSelection().selectAllChildren(document.querySelectorAll('.kb-code')[2])")
    assert page.evaluate("getSelection().toString()").rstrip() == (
        "    def forward(self, x):\n        return self.g * self.base(x)"
    )


STEPS = """r\"\"\"Steps: one after the other.

Section 2, equation 4:

    h = W x
\"\"\"
import a
X = 1


def go(x):
    \"\"\"Equation 4.\"\"\"
    # first this,
    # then that
    y = f(
        x,  # (n, d)
    )
    return y  # noqa: X1


def save(x):
    \"\"\"Keep it.\"\"\"
"""


def test_comments_and_numbered_equations_stand_beside_their_lines() -> None:
    plain, go, save = annotated(STEPS, said="Steps: one after the other.")
    assert plain.folded == "imports and settings"
    assert math_html("h = W x", block=True) in plain.doc
    assert math_html("h = W x", block=True) in go.doc
    assert [words(row.note) for row in go.rows] == ["", "first this, then that (n, d)", ""]
    assert [words(row.code) for row in go.rows] == ["def go (x):", "y = f( x, )", "return y"]
    assert save.folded == "saving"


def papers_of_ours() -> list[str]:
    return [card.paper for card in cards() if card.paper and not card.problems]


@pytest.mark.parametrize("key", ["doe2026tiny", *papers_of_ours()])
def test_a_page_fits_and_can_be_read(visit: Callable[..., Page], key: str) -> None:
    for width, scheme in ((1280, "dark"), (360, "light")):
        page = visit(f"papers/{key}.html", viewport={"width": width, "height": 800}, color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator("body[data-md-color-scheme]").wait_for()
        assert page.locator(".kb-tex").count() == 0
        assert page.evaluate(LOW_CONTRAST) == []
        ids = "[...document.querySelectorAll('[id]')].map((n) => n.id)"
        assert page.evaluate(f"(ids => ids.length - new Set(ids).size)({ids})") == 0


def test_nothing_a_stranger_wrote_runs(visit: Callable[..., Page]) -> None:
    page = visit("papers/bad0.html")
    for place in range(len(ATTACKS)):
        page.goto(page.url.rpartition("/")[0] + f"/bad{place}.html")
        assert page.evaluate("window.__fired") is None
        assert page.locator(".kb-impl script, .kb-impl img, .kb-impl iframe").count() == 0


# --- in short ---


def test_a_page_says_first_what_was_found(tmp_path: Path) -> None:
    page = str(
        render([paper()], SiteOptions(), None, [made(tmp_path, runs={"cpu": {**RUN, "demo": DEMO}})])[
            "papers/doe2026tiny.md"
        ]
    )
    strip = words(page[page.index('class="kb-strip"') : page.index("</ul>", page.index('class="kb-strip"'))])
    assert re.search(r"exact \d+/\d+ .*CPU \d+ \w+ \d{4} GPU not yet", strip)
    assert (
        page.index('class="kb-strip"')
        < page.index('id="short"')
        < page.index('id="method"')
        < page.index('id="claims"')
    )
    short = words(page[page.index('id="short"') : page.index("</section>", page.index('id="short"'))])
    assert re.match(r'id="short"> In short Says Scale W by one number\. Found On a CPU, .* Costs ', short)


def test_what_was_measured_of_other_words_does_not_count(tmp_path: Path) -> None:
    changed = {**RUN, "claims": [{**row, "says": "Something else."} for row in RUN["claims"]]}
    one = made(tmp_path, runs={"cpu": changed})
    assert all(not tally.good for tally in tallies(one.card, results(one)))
    assert standing([one]) == ["unshown"]
    assert "not measured since they were written" in found_in_short(one)
