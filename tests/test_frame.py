"""What stands around made pages is taken out of their shell and put back by a script."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from catalog.pages.frame import SCRIPT, TITLE, taken_out

KNOWN = "theme(1)"
PLACE = f'<script src="../{SCRIPT}"></script>'
LONG = st.text("abc <>&é", max_size=120).map(lambda text: f"<p>{'x' * 90}{text.replace('<', '').replace('>', '')}</p>")
SHORT = st.sampled_from(["<br>", "<hr/>", " ", f"<i>{TITLE}</i>", f"<script>{KNOWN}</script>"])
OWN = st.sampled_from(["<b>kbmarkpagekbmark</b>", '<script src="a.js"></script>', "<script>stranger()</script>"])


def shell(*body: str) -> str:
    policy = "script-src 'self' 'sha256-abc=' 'sha256-def='; img-src 'self'"
    return (
        f'<html><head content="{policy}"><script>{KNOWN}</script></head><body class="x">{"".join(body)}</body></html>'
    )


@given(st.lists(LONG | SHORT | OWN, max_size=12))
def test_what_is_taken_out_comes_back_where_it_was(body: list[str]) -> None:
    before = shell(*body, "<main><div>kbmarkbodykbmark</div></main>", *body)
    lean, script = taken_out(before, {KNOWN}, "..")
    if not script:
        assert lean == before
        return
    parts = json.loads(re.search(r"const parts = (\[.*\]);", script)[1])
    halves = lean.split(PLACE)
    assert len(halves) == len(parts) + 1
    again = "".join(half + part for half, part in zip(halves, [*parts, ""], strict=True))
    wanted = before.replace(f"<script>{KNOWN}</script>", "").replace(" 'sha256-abc=' 'sha256-def='", "")
    assert again.replace(" ", "") == wanted.replace(" ", "")
    assert script.count(KNOWN) == before.count(f"<script>{KNOWN}</script>")
    assert "stranger" not in re.sub(r"\[.*\]", "", script)


def test_a_shell_whose_elements_are_not_closed_stays_whole() -> None:
    before = shell("<header><div>", "x" * 200, "</header>", "<main>kbmarkbodykbmark</main>")
    assert taken_out(before, {KNOWN}, "..") == (before, "")
