"""References of other programs become entries that say all their records say, whatever the format."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.bibtex import read
from catalog.export.cite import citation
from catalog.ingest.references import entry_of, item_of
from catalog.library import Library

CHAPTER = (
    "García Márquez, G., & World Health Organization. (2002). On owls and us (E. Du, Trans.). In C. Bo (Ed.), The big"
    " book (2nd ed., Vol. 4, pp. 10–20). Big."
)
CSL = [
    {
        "id": "ek2002", "type": "chapter", "title": "On <i>owls</i> and us", "container-title": "The big book",
        "volume": "4", "page": "10-20", "edition": "2", "publisher": "Big", "publisher-place": "Paris",
        "author": [{"family": "García Márquez", "given": "Gabriel"}, {"literal": "World Health Organization"}],
        "editor": [{"family": "Bo", "given": "Carl"}], "translator": [{"family": "Du", "given": "Eve"}],
        "issued": {"date-parts": [["2002", 5, 4]]},
    }
]  # fmt: skip
RIS = """\
TY  - CHAP
ID  - ek2002
TI  - On owls and us
AU  - García Márquez, Gabriel
AU  - World Health Organization
A2  - Bo, Carl
A4  - Du, Eve
PY  - 2002
DA  - 2002/05/04/
T2  - The big book
SP  - 10
EP  - 20
VL  - 4
ET  - 2
PB  - Big
CY  - Paris
ER  -
"""
HAYAGRIVA = """\
ek2002:
  type: chapter
  title: On owls and us
  author: ["García Márquez, Gabriel", {name: World Health Organization}]
  date: 2002-05-04
  page-range: 10-20
  affiliated: [{role: translator, names: ["Du, Eve"]}]
  parent:
    type: anthology
    title: The big book
    editor: "Bo, Carl"
    volume: 4
    edition: 2
    publisher: {name: Big, location: Paris}
"""


ENDNOTE = """<?xml version="1.0"?><xml><records><record><ref-type name="Journal Article">17</ref-type><contributors><authors>
<author>García Márquez, Gabriel</author><author>Ek, Anna</author></authors></contributors><titles><title>On owls</title>
<secondary-title>Journal of Owls</secondary-title></titles><pages>1-9</pages><volume>3</volume><number>2</number>
<dates><year>2001</year></dates></record></records></xml>"""


def test_an_endnote_record_is_cited_with_all_it_says(library: Library) -> None:
    library.import_([("a.xml", ENDNOTE.encode())])
    (facts,) = library.list()
    assert citation(facts) == "García Márquez, G., & Ek, A. (2001). On owls. Journal of Owls, 3(2), 1–9."


@pytest.mark.parametrize(("name", "text"), [("a.json", json.dumps(CSL)), ("a.ris", RIS), ("a.yaml", HAYAGRIVA)])
def test_a_reference_is_cited_with_all_that_its_record_says(library: Library, name: str, text: str) -> None:
    assert library.import_([(name, text.encode())]).count("added") == 1
    facts = library.get("ek2002")
    assert citation(facts) == CHAPTER
    assert facts.date == "2002-05-04"
    assert library.import_([(name, text.encode())]).count("unchanged") == 1
    assert not [finding for finding in library.check() if finding.kind == "error"]


def test_what_a_record_says_beyond_an_entry_is_told(library: Library) -> None:
    library.import_([("a.bib", b"@book{ek2002, title = {On owls and us}, author = {Ek, A}, year = 2002}")])
    record = [{"id": "ek2002", "type": "book", "title": "On owls and us", "volume": "7",
               "author": [{"family": "Ek", "given": "A"}], "issued": {"date-parts": [[2002]]}}]  # fmt: skip
    (change,) = library.import_([("a.json", json.dumps(record).encode())]).changes
    assert change.differences == ("volume: nothing stays, not “7”",)


VALUE = st.recursive(
    st.none() | st.integers() | st.text(max_size=8) | st.sampled_from(["10.1000/x", "Ek, A", "<i>a</i>", "2001-05"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["family", "given", "literal", "date-parts", "title", "name", "type", "role", "names"]), inner, max_size=3
    ),
    max_leaves=6,
)  # fmt: skip
RECORD = st.dictionaries(
    st.sampled_from(["title", "author", "editor", "issued", "page", "parent", "serial-number", "affiliated", "url", "date",
                     "DOI", "ISSN", "container-title", "authors", "doi", "urls", "issn", "unknown_tag"]),
    VALUE,
)  # fmt: skip


@given(
    RECORD, st.sampled_from([{"type": "book", "id": "k"}, {"type_of_reference": "CHAP"}, {"type": "web", "\0key": "k"}])
)
def test_any_record_gives_an_entry(record: dict[str, object], kind: dict[str, str]) -> None:
    item = item_of(record | kind)
    assert (
        read(entry_of(item, "k")).key == "k" if item else "authors" in record or "date" in record or "author" in record
    )
