"""A list between two comments of a page: written in each style, and read back without a change."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog import Library
from catalog.errors import KbError

PAGE = """# My list

Hello.

<!-- kb:begin -->

## Foundations

Read these *first*.

- [Sparse nets [and more]](https://arxiv.org/abs/1901.00001) — A. Quist. ICML 2019. [[code](https://github.com/a/b)]
- [Dense nets forget](https://arxiv.org/abs/2001.00002)

### Deeper

- [Nets that go](https://arxiv.org/abs/2001.00003) by Bo Lund and Cy Marsh, NeurIPS 2020

## Applications

- [Pictures: a | b](https://arxiv.org/abs/2101.00004)
<!-- kb:end -->

## License
"""


@pytest.fixture
def library(tmp_path: Path) -> Library:
    found = Library.init(tmp_path)
    found.import_([(str(tmp_path / "README.md"), PAGE.encode())])
    return found


@pytest.mark.parametrize("style", ["bullet", "table", "heading"])
def test_what_is_written_reads_as_it_was(library: Library, style: str) -> None:
    before = library.papers()
    made = library.embed(PAGE, "README.md", style=style)
    assert made.startswith("# My list\n\nHello.\n\n<!-- kb:begin -->\n\n## Foundations\n\nRead these *first*.\n\n")
    assert made.endswith("\n\n<!-- kb:end -->\n\n## License\n")
    done = library.sync([(str(library.root / "README.md"), made.encode())])
    assert library.papers() == before
    assert not done.left
    assert library.embed(made, "README.md", style=style) == made


def test_a_paper_of_no_list_stands_under_its_tag(library: Library) -> None:
    library.add(title="A paper of mine", links=["paper=https://example.org/mine.pdf"], tags=["Applications"])
    made = library.embed(PAGE, "README.md")
    assert made.index("## Applications") < made.index("[A paper of mine](https://example.org/mine.pdf)")


@pytest.mark.parametrize("page", ["# No comments\n", PAGE + PAGE, PAGE.replace("<!-- kb:end -->", "")])
def test_a_page_without_its_two_comments_is_refused(library: Library, page: str) -> None:
    with pytest.raises(KbError, match="kb:begin"):
        library.embed(page, "README.md")
