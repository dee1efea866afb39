"""A list or a library that was imported whole leaves nothing behind that `kb check` calls an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Kb

from catalog.library import Library

BROUGHT = {
    "titles alone": ("l.md", "# To read\n\n- Attention Is All You Need\n- Deep Residual Learning\n"),
    "files that are not here": (
        "l.md",
        "# Papers\n\n- [Tides in shallow seas](tides.pdf), see [notes](../notes/tides.md) and [more](other.md)\n"
        "- [Moons as clocks](https://arxiv.org/abs/2401.00001) ([slides](slides/moons.pdf))\n",
    ),
    "addresses with what tracks": (
        "l.md",
        "# Papers\n\n- [Tides in shallow seas](https://arxiv.org/abs/2401.00001?utm_source=x)\n\n  See <https://x.org/?utm_medium=y>.\n",
    ),
    "one tag in two spellings": ("l.csv", "title,tags\nOne thing,Low rank\nAnother thing,low-rank\n"),
    "too little": ("l.bib", "@article{a, title = {A}}\n@book{b, author = {B}}\n"),
    "too much": ("l.bib", "@misc{a, title = {A}, title = {B}, year = {2001}}\n"),
    "odd values": (
        "l.bib",
        "@misc{a, title = {A}, author = {A, B, C, D}, year = {20 b}, doi = {abc}, eprint = {21}, archiveprefix = {arXiv}}\n",
    ),
    "years to come": ("l.bib", "@misc{a, title = {A}, year = {2999}}\n"),
    "what is not defined": ("l.bib", "@misc{a, title = {A}, journal = nowhere, crossref = {none}}\n"),
    "keys with a blank": ("l.bib", "@misc{a b c, title = {A}}\n@misc{a-b-c, title = {B}}\n"),
    "a day to come": ("l.csv", "title,status,read\nOne thing,read,2199-01-01\nTwo things,read,2020-01-01\n"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROUGHT)
def test_an_import_leaves_no_error(kb: Kb, root: Path, what: str) -> None:
    file, text = BROUGHT[what]
    (root / file).write_text(text)
    assert kb("import", file).status == 0
    checked = kb("check")
    assert checked.status == 0, checked.out


def test_a_paper_that_gets_its_entry_later_answers_to_the_entrys_key(tmp_path: Path) -> None:
    text = "# A\n- [On In-context Learning](https://arxiv.org/abs/2301.00234), Ada Quist, Bo Lund, 2022\n\n# B\n" + (
        "- [On In-context Learning](https://arxiv.org/abs/2301.00234)\n```bibtex\n@article{KEY, title={On In-context "
        "Learning}, author={Quist, Ada and Lund, Bo}, year={2022}, journal={J. Owls}}\n```\n"
    )
    for key in ("icl", "quist2022incontext"):
        library = Library.init(tmp_path / key)
        library.import_([("list.md", text.replace("KEY", key).encode())])
        assert not [finding for finding in library.check() if finding.kind == "error"]
        assert library.meant(key)
        assert library.import_([("list.md", text.replace("KEY", key).encode())]).count("unchanged") == 2
