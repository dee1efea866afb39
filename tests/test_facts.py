"""From a paper file to what is known of it."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.bibtex.describe import describe
from catalog.bibtex.entry import read
from catalog.bibtex.identifiers import address, arxiv, doi, in_address, isbns
from catalog.bibtex.shared import Shared
from catalog.export.cite import citation
from catalog.export.generated import generated
from catalog.facts import Address, Facts, Name, Reading, Taught
from catalog.identity import compare
from catalog.library import Library
from catalog.models import Link, Paper, Tutorial
from catalog.search.index import Index
from catalog.text import plain, with_math


def of(fields: str, kind: str = "misc", **own: Any) -> Facts:
    return describe(Paper(key="k", bibtex=f"@{kind}{{k, {fields}}}" if fields else "", **own))


def test_what_a_file_says_itself() -> None:
    facts = describe(
        Paper(
            key="k", title="On $x^2$", authors=("Sofia van der Berg", "OpenAI"), date="2021-06", venue="Blog", kind="blog",
            status="read", read=dt.date(2026, 1, 2), rating=7, tags=("a",), aliases=("old",), ids={"acl": "P17-1001"},
            abstract="It is $O(n)$.", notes="See [it](other.md).", extras={"mood": "mood: good\n"},
            links=(Link(name="code", url="https://github.com/a/b", label="official"),),
            tutorials=(Tutorial(name="Walk", versions={"torch": "2.1"}),),
        )
    )  # fmt: skip
    assert facts == Facts(
        key="k",
        title=(("text", "On "), ("math", "x^2")),
        people=(("author", (Name("Berg", "Sofia", "van der"), Name(literal="OpenAI"))),),
        date="2021-06",
        venue="Blog",
        kind="blog",
        ids=(("acl", "P17-1001"),),
        addresses=(
            Address("code", "https://github.com/a/b", "official"),
            Address("paper", "https://aclanthology.org/P17-1001", "", "acl"),
        ),
        abstract=(("text", "It is "), ("math", "O(n)"), ("text", ".")),
        tags=("a",),
        aliases=("old",),
        cites=("other",),
        tutorials=(Taught("Walk", "", (("torch", "2.1"),)),),
        extras=(("mood", "mood: good\n"),),
        reading=Reading("read", "", "2026-01-02", "", 7),
        notes="See [it](other.md).",
    )
    assert (facts.heading, facts.by, facts.year) == ("On x²", "van der Berg and OpenAI", 2021)


@pytest.mark.parametrize(
    ("fields", "date"),
    [
        ("year = {2003 (1998)}", "2003"),
        ("year = {[1998] 2003}", "2003"),
        ("year = {1998--2003}, month = jun", "1998/2003"),
        ("year = {1994/95}", "1994/1995"),
        ("date = {15 January 2015/25 February 2015}", "2015-01-15/2015-02-25"),
        ("year = {15 January 2015/25 February 2015}", "2015"),
        ("date = {30 BC/5 AD}", "-0029/0005"),
        ("date = {12/2015}", "2015-12"),
        ("date = {25/12/2015}", "2015-12-25"),
        ("date = {1/2/2015}", "2015"),
        ("date = {2010年5月3日}", "2010-05-03"),
        ("year = {٢٠١٠}", "2010"),
        ("year = {850}", "0850"),
        ("year = {0426}", "0426"),
        ("year = 0426", "0426"),
        ("year = {-0050}", "-0050"),
        ("year = {199?}", "1990/1999"),
        ("date = {2004-02-31}", "2004-02"),
        ("year = {ca. 79 AD}", "0079"),
        ("year = 2021, month = jun", "2021-06"),
        ('year = 2021, month = jun # "~17"', "2021-06-17"),
        ("year = 2021, month = {17 June}", "2021-06-17"),
        ("year = 2021, month = {06}, day = 3", "2021-06-03"),
        ("year = 2021, month = {May--June}", "2021-05/2021-06"),
        ("year = 2021, month = {Spring}", "2021"),
        ("date = {2019-06-17}, year = 2018", "2019-06-17"),
        ("date = {2019-06/2019-08}", "2019-06/2019-08"),
        ("date = {2019/..}", "2019/.."),
        ("date = {/2019}", "2019"),
        ("date = {199X}", "1990/1999"),
        ("year = {1990s}", "1990/1999"),
        ("date = {19XX/200u}", "1900/2009"),
        ("date = {-0043-03-15}", "-0043-03-15"),
        ("year = {44 B.C.}", "-0043"),
        ("date = {2004-06-~11}", "2004-06-11"),
        ("date = {17.06.2021}", "2021-06-17"),
        ("date = {June 17, 2021}", "2021-06-17"),
        ("year = 2001, month = {May--June}", "2001-05/2001-06"),
        ("year = 2001, month = {30 giugno -- 2 luglio}", "2001-06-30/2001-07-02"),
        ("year = 2001, month = {1--3 June}", "2001-06-01/2001-06-03"),
        ("year = 2001, month = {Q2}", "2001"),
        ("year = {1998--}", "1998/.."),
        ("year = {'98}", "1998"),
        ("date = {2019-21}", "2019"),
        ("date = {2004-04-05T14:34:00}", "2004-04-05"),
        ("date = {c. 1990}", "1990"),
        ("eventdate = {2020-01-02}", "2020-01-02"),
        ("eprint = {2106.09685}", "2021-06"),
        ("eprint = {math/9301001}", "1993-01"),
        ("year = {in press}", ""),
        ("year = {17}, month = {xiii}", "0017"),
    ],
)
def test_dates(fields: str, date: str) -> None:
    assert of(fields).date == date


def test_what_is_said_of_a_date() -> None:
    assert of("date = {1850~}").detail("circa")
    assert of("year = {ca.~1850}").detail("circa")
    assert not of("year = {44 B.C.}").detail("circa")
    assert of("year = 2001, month = {Frühjahr}").detail("season") == of("date = {2001-21}").detail("season") == "1"
    cicero = of("author = {Cicero, M.}, title = {Letters}, date = {-0043~}")
    assert cicero.year == -43
    assert "44 BC" in citation(cicero, "ieee")
    assert "ca. 1850" in citation(of("author = {Ek, A.}, title = {Owls}, date = {1850?}"))
    assert "year = {-43}" in generated(replace(cicero, bibtex=""))


def test_a_file_may_be_more_precise_than_its_entry() -> None:
    assert of("year = 2021", date="2021-06-17").date == "2021-06-17"
    assert of("year = 2021", date="2020-06-17").date == "2021"
    assert of("", year=850 + 150).year == 1000


def test_roles_that_stand_for_missing_authors() -> None:
    both = of("editor = {Ek, A.}, translator = {Bo, B. and others}")
    assert (both.role, both.by, both.others) == ("editor", "Ek", False)
    assert [role for role, _ in both.people] == ["editor", "translator"]
    film = of("editor = {Ek, A.}, editortype = {director}")
    assert (film.role, film.authors()) == ("director", "A. Ek")
    assert of("holder = {{Big Inc.}}").names == (Name(literal="Big Inc."),)
    assert of("author = {}", authors=("Ann Lee",)).by == "Lee"
    assert of("author = {Ek, A. and others}").by == "Ek et al."
    assert of("title = {T}").names == ()


@pytest.mark.parametrize(
    ("fields", "addresses"),
    [
        ("url = {https://example.org/only}", [("paper", "https://example.org/only", "url")]),
        (r"url = {\url{https://x.org/\~{}a\_b?c=1\&d}}", [("paper", "https://x.org/~a_b?c=1&d", "url")]),
        ("howpublished = {\\url{https://github.com/a/b}}", [("code", "https://github.com/a/b", "howpublished")]),
        ("note = {Seen at https://x.org/a.}", [("paper", "https://x.org/a", "note")]),
        ("doi = {10.1/X}", []),
        ("doi = {10.1000/X}", [("paper", "https://doi.org/10.1000/x", "doi")]),
        ("url = {https://doi.org/10.1000/x}, doi = {10.1000/x}", [("paper", "https://doi.org/10.1000/x", "url")]),
        ("eprint = {2106.09685v2}", [("paper", "https://arxiv.org/abs/2106.09685", "eprint")]),
        ("pmid = {123}", [("paper", "https://pubmed.ncbi.nlm.nih.gov/123", "pmid")]),
        ("eprint = {99}, eprinttype = {jstor}", [("paper", "https://www.jstor.org/stable/99", "jstor")]),
        ("url = {nothing}", []),
        ("url = {https://[bad}", []),
    ],
)
def test_addresses(fields: str, addresses: list[tuple[str, str, str]]) -> None:
    assert [(one.kind, one.url, one.origin) for one in of(fields).addresses] == addresses


def test_the_files_links_come_first_and_one_place_once() -> None:
    links = (
        Link(name="paper", url="https://arxiv.org/pdf/2106.09685"),
        Link(name="code", url="https://github.com/a/b"),
    )
    facts = of("eprint = {2106.09685}, url = {http://www.x.org/p/}, howpublished = {https://x.org/p}", links=links)
    assert [one.url for one in facts.addresses] == [*(link.url for link in links), "http://www.x.org/p/"]
    assert facts.address("code") == "https://github.com/a/b"
    assert facts.places == facts.addresses
    assert [one.url for one in of("eprint = {2106.09685}").places] == ["https://arxiv.org/abs/2106.09685"]


def test_identifiers() -> None:
    facts = of(
        "doi = {https://doi.org/10.1000/ABC}, eprint = {math.GT/0309136}, isbn = {0-306-40615-2}, issn = {1234-567x},"
        " biburl = {https://dblp.org/rec/conf/x/Y21.bib}, pmcid = {pmc12}",
        links=(Link(name="paper", url="https://openreview.net/forum?id=a-B_c"),),
    )
    assert dict(facts.ids) == {
        "doi": "10.1000/abc", "arxiv": "math/0309136", "isbn": "9780306406157", "issn": "1234-567X",
        "dblp": "conf/x/Y21", "pmcid": "PMC12", "openreview": "a-B_c",
    }  # fmt: skip
    assert arxiv("math.GT/0309136", bare=True) == arxiv("math/0309136", bare=True) == "math/0309136"
    assert isbns("978-3-16-148410-0 (pbk), 0-8044-2957-X") == ["9783161484100", "9780804429573"]
    assert isbns("12345") == []
    assert of("", ids={"isbn": "0-306-40615-2", "arxiv": "math.GT/0309136"}).ids == (
        ("isbn", "9780306406157"), ("arxiv", "math/0309136"),
    )  # fmt: skip
    assert in_address("https://aclanthology.org/2020.acl-main.1/") == ("acl", "2020.acl-main.1")
    assert in_address("https://example.org/") == ("", "")
    assert address("issn", "1234-5678") == ""


def test_titles_and_abstracts_are_decoded_once() -> None:
    facts = of(r"title = {A {\emph B}}, subtitle = {$\alpha$}, abstract = {We do \emph{this} with 5\% of $x$.}")
    assert facts.heading == "A B: α"
    assert ("em", "this") in facts.abstract
    assert plain(facts.abstract) == "We do this with 5% of x."
    assert of("title = {Why?}, subtitle = {So}").heading == "Why? So"
    assert of("year = 2020").heading == "k"


def test_commands_and_macros_of_the_shared_file() -> None:
    shared = Shared.of('@string{j = "Journal"}\n@preamble{"\\def\\XML{eXML}"}\n@xdata{p, title = {Whole}}')
    paper = Paper(key="k", bibtex=r"@inbook{k, title = {\XML{} files}, xdata = {p}, journal = j}")
    facts = describe(paper, shared, lambda key: read(shared.entries[key]) if key in shared.entries else None)
    assert (facts.heading, facts.venue) == ("eXML files", "Journal")


def test_details_carry_biblatex_names() -> None:
    facts = of("volume = 3, address = {Basel}, school = {ETH}, journal = {J}, file = {x.pdf}, issue = {Spring}")
    assert dict(facts.details) == {
        "volume": "3", "location": "Basel", "institution": "ETH", "journaltitle": "J", "issue": "Spring",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "kind", "venue"),
    [
        ("journal = {arXiv preprint arXiv:2106.09685}", "article", "arXiv"),
        ("journal = {CoRR}", "article", "arXiv"),
        ("eprint = {2106.09685}", "misc", "arXiv"),
        ("eprint = {2106.09685}, booktitle = {ICLR}", "inproceedings", "ICLR"),
        ("school = {ETH}", "phdthesis", "ETH"),
        ("howpublished = {\\url{https://x.org}}", "misc", ""),
    ],
)
def test_venues(fields: str, kind: str, venue: str) -> None:
    assert of(fields, kind).venue == venue


@given(
    st.text(alphabet="ab{}\\$\"'`~#_^%@,=- \n12", max_size=80),
    st.sampled_from(["title", "author", "date", "url", "abstract"]),
)
def test_describing_never_fails_and_the_index_gives_it_back(text: str, field: str) -> None:
    paper = Paper(key="k", bibtex=f"@misc{{k,\n  {field} = {{{text}}}\n}}")
    facts = describe(paper)
    json.dumps(facts.as_dict())
    with Index(":memory:") as index:
        index.update([("k.md", "1", facts)], [])
        assert index.get("k") == facts
        assert index.lines("").papers == [facts.line]


def test_only_what_can_be_a_formula_is_one() -> None:
    assert with_math("costs $5 or $6") == (("text", "costs $5 or $6"),)
    assert with_math("") == ()


def test_the_schema_describes_what_is_printed() -> None:
    facts = of(
        r"title = {\emph{A} $x$}, author = {Ek, A.}, url = {https://x.org}, volume = 3, isbn = {0306406152}",
        tutorials=(Tutorial(name="Walk", versions={"a": "1"}),), extras={"mood": "mood: good\n"},
    )  # fmt: skip
    printed = json.loads(json.dumps(facts.as_dict(("lora",))))
    described = json.loads(Library.schema(records=True))
    assert _faults(printed, described) == []
    assert set(printed) == set(described["required"])
    several = replace(facts, readers=(("ana", Reading("read", "", "2026-01-05")),))
    printed = json.loads(json.dumps(several.as_dict(("lora",))))
    assert _faults(printed, described) == []
    assert set(printed) == set(described["properties"])
    assert _faults(printed | {"year": "2021"}, described) == ["$.year: integer"]


def _faults(value: Any, schema: Any, at: str = "$") -> list[str]:
    """Where a value is not what a schema says; of the schema language what ours uses."""
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return [f"{at}: {schema['type']}"]
    if value not in schema.get("enum", [value]) or schema.get("const", value) != value:
        return [f"{at}: {value}"]
    found = [f"{at}.{name} is missing" for name in schema.get("required", ()) if name not in value]
    if isinstance(value, dict):
        rest = schema.get("additionalProperties", {})
        parts = schema.get("properties", {})
        found += [fault for name, one in value.items() for fault in _faults(one, parts.get(name, rest), f"{at}.{name}")]
    if isinstance(value, list):
        found += [fault for one in value for fault in _faults(one, schema["items"], f"{at}[]")]
    return found


def test_lists_and_searches_never_decode() -> None:
    script = (
        "import sys; from catalog.library import Library; library = Library.open(sys.argv[1])\n"
        "library.lines('', '-added,key'); library.list('lora')\n"
        "heavy = {'pylatexenc', 'catalog.symbols', 'catalog.bibtex.latex', 'catalog.models', 'pydantic', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    root = Path(__file__).parents[1]
    Library.open(root).index()
    done = subprocess.run([sys.executable, "-c", script, str(root)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n", done.stderr


def test_what_describes_a_work_or_holds_it_stands_for_a_missing_title() -> None:
    assert of("titleaddon = {Photographs of a boy}").heading == "Photographs of a boy"
    assert of("maintitle = {Cryptography}, subtitle = {Theory}").heading == "Cryptography: Theory"
    assert of("title = {Owls}, titleaddon = {A grant}").heading == "Owls"


def test_a_short_doi_is_one_and_parts_nothing_from_the_long_one() -> None:
    short, long = (
        of("title = {Owls of the north}, author = {Ek, A.}, doi = {10/gf4gqc}"),
        of(r"title = {Owls of the north}, author = {Ek, A.}, doi = {10.1000/a\_b\&c}"),
    )
    assert (short.doi, long.doi) == ("10/gf4gqc", "10.1000/a_b&c")
    assert short.address() == "https://doi.org/10/gf4gqc"
    assert compare(short, long).answer != "different"


@pytest.mark.parametrize(
    ("fields", "kind", "url"),
    [
        ("bdsk-url-1 = {http://x.org/a}", "paper", "http://x.org/a"),
        ("link = {http://x.org/a}", "paper", "http://x.org/a"),
        ("pdf = {https://x.org/a.pdf}", "paper", "https://x.org/a.pdf"),
        ("code = {https://example.org/b}", "code", "https://example.org/b"),
        ("slides = {https://example.org/s}", "slides", "https://example.org/s"),
        ("howpublished = {Available at www.x.org/a}", "paper", "http://www.x.org/a"),
        ("arxivId = {2106.09685}", "paper", "https://arxiv.org/abs/2106.09685"),
        ("eprint = {0309136}, archiveprefix = {arXiv}, primaryclass = {math.GT}", "paper",
         "https://arxiv.org/abs/math/0309136"),
        ("eprint = {10.1000/a}, eprinttype = {doi}", "paper", "https://doi.org/10.1000/a"),
        ("ee = {https://doi.org/10.1000/a}", "paper", "https://doi.org/10.1000/a"),
    ],
)  # fmt: skip
def test_what_other_programs_call_an_address_is_one(fields: str, kind: str, url: str) -> None:
    (found,) = of(fields).addresses
    assert (found.kind, found.url) == (kind, url)
    assert found.origin not in ("link", "file"), "computed, and no secret"


@pytest.mark.parametrize(
    "text", ["https://aarxiva/1" * 600, "arxiv : preprint arxiv : " + "\n " * 5_000, "10.1000/" + ")" * 9_000]
)
def test_an_identifier_is_looked_for_in_a_moment(text: str) -> None:
    start = process_time()
    assert arxiv(text, bare=True) == in_address(text)[0] == ""
    assert len(doi(text)) < 9_000
    assert process_time() - start < 1.0
