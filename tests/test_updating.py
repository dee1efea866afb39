"""What has become of papers: two hundred invented preprints, a third of them traps; and everything else that happens."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from answers import atom, atom_entry, crossref
from services import Reply
from support import Kb

from catalog.bibtex import read
from catalog.ingest.fetch import Answer
from catalog.library import Library
from catalog.sources import Client, updating
from catalog.sources.updating import Look

FAMILIES = [
    "Gómez",
    "Li",
    "Nyström",
    "Okafor",
    "Tanaka",
    "Weiß",
    "Ivanova",
    "Silva",
    "Haddad",
    "Novák",
    "O'Brien",
    "Nguyễn",
    "Kowalski",
    "Rossi",
    "Meyer",
    "Dupont",
    "Andersen",
    "Park",
]
GIVEN = [
    "Ana",
    "Wei",
    "Ørjan",
    "Chidi",
    "Yuki",
    "Jürgen",
    "Olga",
    "João",
    "Leila",
    "Petr",
    "Sean",
    "Minh",
    "Zofia",
    "Marco",
    "Lena",
    "Luc",
    "Nils",
    "Jin",
]
NOUNS = [
    "whales",
    "tides",
    "currents",
    "sonar",
    "kelp",
    "reefs",
    "plankton",
    "estuaries",
    "storms",
    "glaciers",
    "harbours",
    "lagoons",
    "trenches",
    "dolphins",
]
VERBS = [
    "sorting",
    "tracing",
    "denoising",
    "predicting",
    "ranking",
    "aligning",
    "pruning",
    "distilling",
    "quantizing",
    "mapping",
    "counting",
    "embedding",
]
WAYS = [
    "sparse",
    "rotary",
    "bilinear",
    "causal",
    "recurrent",
    "spectral",
    "dense",
    "hyperbolic",
    "stochastic",
    "discrete",
    "adaptive",
]


class Registries:
    """Crossref, arXiv, Semantic Scholar and DBLP, of the same invented works; asked without a network."""

    def __init__(self) -> None:
        self.arxiv: dict[str, tuple[str, list[str], int, str]] = {}
        self.crossref: dict[str, dict[str, Any]] = {}
        self.scholar: dict[str, dict[str, Any]] = {}
        self.dblp: dict[str, list[dict[str, Any]]] = {}
        self.retracted: set[str] = set()
        self.asked = 0

    def ask(self, url: str, **options: Any) -> Answer:
        self.asked += 1
        reply = self._reply(url, options.get("content", b""))
        return Answer(reply.status, url, reply.data().decode(), content_type=reply.media(), data=reply.data())

    def _reply(self, url: str, content: bytes) -> Reply:
        from urllib.parse import unquote

        url = unquote(url)
        if "export.arxiv.org" in url:
            names = re.search(r"id_list=([^&]*)", url)
            return atom(*(self._entry(name) for name in (names[1].split(",") if names else []) if name in self.arxiv))
        if "api.openalex.org/works?filter=doi:" in url:
            found = [{"doi": f"https://doi.org/{name}", "is_retracted": name in self.retracted, "cited_by_count": 3}
                     for name in url.partition("doi:")[2].partition("&")[0].split("|")]  # fmt: skip
            return Reply({"meta": {"count": len(found)}, "results": found})
        if "/works?filter=" in url:
            found = [self.crossref[name] for name in re.findall(r"doi:([^,&]+)", url) if name in self.crossref]
            return Reply({"status": "ok", "message": {"items": found}})
        if "api.crossref.org/works/" in url:
            record = self.crossref.get(url.partition("/works/")[2])
            return Reply({"status": "ok", "message": record}) if record else Reply("Resource not found.", 404)
        if "semanticscholar" in url:
            return Reply([self.scholar.get(name) for name in json.loads(content)["ids"]])
        if "dblp.org/search" in url:
            hits = self.dblp.get(url.partition("&q=")[2], [])
            return Reply({"result": {"hits": {"@total": str(len(hits)), "hit": hits}}})
        if "works?query" in url:
            return Reply({"status": "ok", "message": {"items": []}})
        return Reply("no", 404)

    def _entry(self, name: str) -> str:
        title, people, version, more = self.arxiv[name]
        return atom_entry(name, title, people, version=version, more=more, published="2024-03-04")


def hit(title: str, people: list[str], doi: str, **more: Any) -> dict[str, Any]:
    """What DBLP's search finds; one author is no list."""
    authors = [{"@pid": "1", "text": f"{name} 0001" if not at else name} for at, name in enumerate(people)]
    info = {"authors": {"author": authors if len(authors) > 1 else authors[0]}, "title": f"{title}.", "venue": "Oceans", "year": "2025",
            "type": "Conference and Workshop Papers", "key": f"conf/o/{doi[-4:]}", "doi": doi.upper(), "pages": "1-9"} | more  # fmt: skip
    return {"@score": "9", "@id": "1", "info": info}


def pair(name: str, number: int, library_text: list[str], there: Registries, chance: random.Random) -> str:
    """One preprint and what became of it; the DOI that is right, "" for a trap."""
    title = f"{chance.choice(VERBS)} {chance.choice(WAYS)} {chance.choice(NOUNS)} and {chance.choice(NOUNS)} of kind {chr(97 + number % 26)}{chr(97 + number // 26)}"
    title = title.capitalize()
    people = [f"{chance.choice(GIVEN)} {family}" for family in chance.sample(FAMILIES, chance.randint(2, 5))]
    split = [tuple(one.split(" ", 1)) for one in people]
    doi = f"10.5555/ocean.{number}"
    library_text.append(
        f"@misc{{p{number}, title={{{title}}}, author={{{' and '.join(people)}}}, year={{2024}}, eprint={{{name}}}, archivePrefix={{arXiv}}}}"
    )
    there.arxiv[name] = (title, people, 1, "")
    trap = number % 3 == 0
    asserted = f'<arxiv:doi xmlns:arxiv="http://arxiv.org/schemas/atom">{doi}</arxiv:doi>'
    if trap:
        kind = (number // 3) % 8
        others = [f"{chance.choice(GIVEN)} {family}" for family in FAMILIES if family not in {f for _, f in split}][
            : len(people)
        ]
        if kind == 0:  # one title, other people
            there.dblp[title] = [hit(title, others, doi)]
        elif kind == 1:  # the thesis of its first author
            there.crossref[doi] = crossref(doi, title, [split[0]], type="dissertation")
            there.scholar[f"ARXIV:{name}"] = {
                "paperId": "x",
                "title": title,
                "externalIds": {"DOI": doi},
                "citationCount": 1,
            }
        elif kind == 2:  # the same people write its sequel
            there.dblp[title] = [
                hit(title.replace(" and ", " without "), people, doi),
                hit(f"{title} II", people, f"{doi}2"),
            ]
        elif kind == 3:  # a graph that mixes up two works
            there.crossref[doi] = crossref(
                doi, "Wholly different matters of economics", [("Ann", "Roe"), ("Bob", "Poe")]
            )
            there.scholar[f"ARXIV:{name}"] = {
                "paperId": "x",
                "title": title,
                "externalIds": {"DOI": doi},
                "citationCount": 1,
            }
        elif kind == 4:  # a correction notice, and another preprint
            there.dblp[title] = [hit(f"Correction: {title}", people, doi), hit(title, people, f"10.1101/2024.{number}", venue="bioRxiv"),
                                 hit(title, people, "", venue="CoRR")]  # fmt: skip
        elif kind == 7:  # a thesis, and a report, that the search finds
            there.dblp[title] = [hit(title, people, doi, type="Books and Theses"),
                                 hit(title, people, f"{doi}9", type="Informal and Other Publications", venue="Tech. Reports")]  # fmt: skip
        elif kind == 5:  # years too early, by people of the same names
            there.dblp[title] = [hit(title, people, doi, year="1999")]
        else:  # one family name in common
            there.dblp[title] = [hit(title, [people[0].replace(people[0][0], "Q", 1), *others[1:]], doi)]
        return ""
    kind = number % 8
    said, authors = title, list(split)
    if kind == 1:
        said = title.title()
    elif kind == 2:
        said = f"{title}: a study at sea"
    elif kind == 4:
        authors = [(f"{given[0]}.", family) for given, family in split]
    elif kind == 5:
        authors = [*split, ("Ann", "Late")]
    elif kind == 7:
        said = title.replace(" and ", " &amp; ")
    there.crossref[doi] = crossref(doi, said, authors, type="proceedings-article")
    by = number % 4
    if by == 0:
        if number % 5 == 0:  # retitled, as the authors themselves say
            there.crossref[doi]["title"] = ["An account of the sea in many parts"]
        there.arxiv[name] = (title, people, 1, asserted)
    elif by == 1:
        there.scholar[f"ARXIV:{name}"] = {
            "paperId": "x",
            "title": title,
            "externalIds": {"DOI": doi.upper(), "ArXiv": name},
            "citationCount": 5,
        }
    else:
        there.dblp[title] = [
            hit(title, people, "", venue="CoRR"),
            hit(said.replace("&amp;", "&"), [" ".join(one) for one in authors], doi),
        ]
    return doi


def test_two_hundred_pairs_a_third_of_them_traps(tmp_path: Path) -> None:
    library, there, chance = Library.init(tmp_path), Registries(), random.Random(7)
    text: list[str] = []
    right = {f"p{number}": pair(f"2403.{number + 1:05}", number, text, there, chance) for number in range(200)}
    library.import_([("a.bib", "\n".join(text).encode())])
    look = Look(Client(there.ask, sleep=lambda _: None))
    for _ in look.at(library.list()):
        pass
    assert not look.notes
    found = {one.key: one.about for one in look.news if one.code == "appeared"}
    traps = [key for key, doi in right.items() if not doi]
    assert len(traps) == 67
    false = {key: doi for key, doi in found.items() if doi != right[key]}
    assert false == {}
    wanted = [key for key, doi in right.items() if doi]
    missed = [key for key in wanted if key not in found]
    assert len(missed) <= len(wanted) * 0.05, missed
    assert there.asked < 2 + 5 + 2 + 200 + 200


@pytest.fixture
def there(library: Library, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registries]:
    registries = Registries()
    monkeypatch.setattr(Library, "client", lambda *_, **__: Client(registries.ask, sleep=lambda _: None))
    yield registries
    assert library


PREPRINT = ("@misc{gomez2024tracing,\n  title = {Tracing sparse whales},\n  author = {Gómez, Ana and Li, Wei}, year = 2024,\n"
            "  eprint = {2403.00001}, archiveprefix = {arXiv} }")  # fmt: skip


def _published(there: Registries) -> None:
    doi = "10.5555/ocean.1"
    more = f'<arxiv:doi xmlns:arxiv="http://arxiv.org/schemas/atom">{doi}</arxiv:doi>'
    there.arxiv["2403.00001"] = ("Tracing sparse whales", ["Ana Gómez", "Wei Li"], 1, more)
    there.crossref[doi] = crossref(doi, "Tracing Sparse Whales", [("Ana", "Gómez"), ("Wei", "Li")])


@pytest.mark.parametrize("lead", ["published", "beside"])
def test_a_publication_is_a_note_until_its_entry_is_here(
    library: Library, there: Registries, kb: Kb, lead: str
) -> None:
    library.add(PREPRINT)
    library.note("gomez2024tracing", "My note.")
    _published(there)
    done = kb("update")
    assert done.status == 0
    assert "has appeared: Journal of Whale Song, 2031, doi:10.5555/ocean.1 (the same title and people)" in done.out
    note = next(finding for finding in library.check() if finding.code == "appeared")
    assert note.kind == "note"
    assert kb("update", "--take", lead).status == 0
    facts = library.get("gomez2024tracing")
    assert PREPRINT.partition(",")[2] in facts.bibtex
    assert facts.arxiv == "2403.00001"
    assert facts.notes == "My note."
    assert (facts.doi == "10.5555/ocean.1") == (lead == "published")
    first = read(facts.bibtex.split("\n\n")[0])
    assert first.key == "gomez2024tracing"
    other = f"gomez2024tracing-{'preprint' if lead == 'published' else 'published'}"
    assert library.resolve(other) == "gomez2024tracing"
    assert not [finding for finding in library.check() if finding.code == "appeared" or finding.kind == "error"]
    assert kb("undo").status == 0
    assert library.get("gomez2024tracing").bibtex == PREPRINT


def test_what_a_registry_itself_names_as_the_publication(library: Library, there: Registries, kb: Kb) -> None:
    library.add(
        "@article{x, title = {Whales at rest}, author = {Gómez, Ana and Li, Wei}, journal = {bioRxiv}, year = 2024, doi = {10.1101/2024.07}}"
    )
    related = {"relation": {"is-preprint-of": [{"id-type": "doi", "id": "10.5555/rest", "asserted-by": "subject"}]}}
    people = [("Ana", "Gómez"), ("Wei", "Li")]
    there.crossref |= {
        "10.1101/2024.07": crossref("10.1101/2024.07", "Whales at rest", people, type="posted-content", **related),
        "10.5555/rest": crossref("10.5555/rest", "Why whales rest: evidence from the deep", people),
    }
    assert (
        "has appeared: Journal of Whale Song, 2031, doi:10.5555/rest (the same people, under the title “Why"
        in kb("update").out
    )
    assert kb("update", "--take", "published").status == 0
    assert library.get("x").doi == "10.5555/rest"
    assert "10.1101/2024.07" in library.get("x").bibtex


def test_what_else_happens_to_papers(library: Library, there: Registries, kb: Kb) -> None:
    entry = "@article{%s, title = {%s}, author = {Roe, Ann}, journal = {J}, year = {2020}, doi = {%s}}"
    library.import_([("a.bib", "\n\n".join([
        entry % ("retracted", "On whales that are retracted", "10.5555/r"), entry % ("corrected", "On whales put right", "10.5555/c"),
        entry % ("other", "On whales of the north", "10.5555/o"), entry % ("nowhere", "On whales of nowhere", "10.5555/n"),
        "@article{plain, title = {A paper that nobody has written}, author = {Roe, Ann}, journal = {J}, year = {2020}}",
        "@misc{newer, title = {On newer whales}, author = {Roe, Ann}, year = 2024, url = {https://arxiv.org/abs/2403.00009v2}}",
    ]).encode())])  # fmt: skip
    update = {
        "updated": {"date-parts": [[2022, 5, 6]]},
        "DOI": "10.5555/notice",
        "source": "retraction-watch",
        "record-id": 7,
    }
    there.crossref |= {
        "10.5555/r": crossref("10.5555/r", "RETRACTED: On whales that are retracted", [("Ann", "Roe")],
                              **{"updated-by": [update | {"type": "retraction", "label": "Retraction"}]}),
        "10.5555/c": crossref("10.5555/c", "On whales put right", [("Ann", "Roe")], **{"updated-by": [update | {"type": "erratum", "label": "Erratum"}]}),
        "10.5555/o": crossref("10.5555/o", "A treatise on pension funds", [("Bob", "Poe")]),
    }  # fmt: skip
    there.arxiv["2403.00009"] = ("On newer whales", ["Ann Roe"], 4, "")
    there.scholar["ARXIV:2403.00009"] = {
        "paperId": "x",
        "title": "On newer whales",
        "externalIds": {},
        "citationCount": 12,
    }
    library.add(entry % ("quiet", "On whales that nobody mourns", "10.5555/q"))
    there.crossref["10.5555/q"] = crossref("10.5555/q", "On whales that nobody mourns", [("Ann", "Roe")])
    there.retracted.add("10.5555/q")
    done = kb("update")
    assert "quiet: retracted, as OpenAlex knows (" in done.out
    assert "cited 3 times (OpenAlex, " in kb("show", "quiet").out
    said = {line.partition(": ")[0]: line for line in done.out.splitlines()}
    assert "retraction by doi:10.5555/notice on 2022-05-06 (Retraction Watch); tag it retracted" in done.out
    assert "erratum by doi:10.5555/notice" in said["corrected"]
    assert "doi:10.5555/o leads to “A treatise on pension funds” (Crossref, " in said["other"]
    assert "doi:10.5555/n was not found at Crossref or DataCite (" in said["nowhere"]
    assert "not found in Crossref, arXiv and DBLP by its title (" in said["plain"]
    assert "version 4 of 2031-05-06 is at arXiv, the paper names version 2" in said["newer"]
    assert "cited 12 times (Semantic Scholar, " in kb("show", "newer").out
    assert "retraction by doi:10.5555/notice on 2022-05-06" in kb("show", "retracted").out
    codes = {finding.code for finding in library.check()}
    assert {"retracted", "corrected", "other-title", "not-found", "new-version"} <= codes
    kb("tag", "retracted", "retracted")
    assert kb("update", "--settle", "key:newer").out == "settled 1\n"
    kb("update", "key:newer")
    assert [finding.key for finding in library.check() if finding.code == "retracted"] == ["quiet"]
    codes = {finding.code for finding in library.check()}
    assert "new-version" not in codes
    assert "corrected" in codes


@pytest.mark.parametrize(
    ("comment", "withdrawn"),
    [
        ("This paper has been withdrawn by the author due to an error", True), ("Withdrawn", True), ("The paper is withdrawn", True),
        ("12 pages. This work has been withdrawn", True), ("We withdraw this paper", True), ("The authors have withdrawn this article", True),
        ("this version withdrawn by arXiv administrators", True), ("Paper withdrawn due to an error in Lemma 2", True),
        ("Supersedes the withdrawn 3103.00001", False), ("An earlier version was withdrawn", False), ("On patients who were withdrawn", False),
        ("Withdrawn from the 3rd workshop, accepted at the 4th", False), ("The first version of this paper was withdrawn and corrected", False),
    ],
)  # fmt: skip
def test_what_says_that_a_paper_is_withdrawn(comment: str, withdrawn: bool) -> None:
    assert bool(updating._WITHDRAWN.search(comment) and not updating._EARLIER.search(comment)) == withdrawn


def test_who_does_not_answer_changes_nothing_that_is_known(library: Library, there: Registries, kb: Kb) -> None:
    library.add(PREPRINT)
    _published(there)
    kb("update")
    silent = Client(lambda url, **_: Answer(503, url, "later"), sleep=lambda _: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Library, "client", lambda *_, **__: silent)
        done = kb("update")
    assert "1 paper not asked about" in done.err
    assert "arXiv is busy (503)" in done.err
    assert [finding.code for finding in library.check() if finding.code == "appeared"]
    (library.store.private / "news.json").write_text("{half")
    assert not [finding for finding in library.check() if finding.code == "appeared"]
    assert ".kb/news.json: not as `kb update` writes it" in kb("check").out
    for words in (["update", "--settle"], ["update"]):  # what was settled is not derived
        assert kb(*words).status == 1
        assert (library.store.private / "news.json").read_text() == "{half"


def test_a_page_that_is_gone_and_has_a_copy(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.add(title="A page of whales", links=["blog=https://gone.example/a"], key="page")
    copy = {
        "archived_snapshots": {
            "closest": {
                "status": "200",
                "available": True,
                "url": "http://web.archive.org/web/2020/https://gone.example/a",
            }
        }
    }

    def ask(url: str, **_: object) -> Answer:
        return (
            Answer(200, url, json.dumps(copy), content_type="application/json")
            if "archive.org" in url
            else Answer(404, url)
        )

    monkeypatch.setattr(Library, "client", lambda *_, **__: Client(ask, sleep=lambda _: None))
    monkeypatch.setattr(Library, "_fetch", lambda _: ask)
    (news,) = library.archived()
    assert "https://web.archive.org/web/2020/https://gone.example/a" in news.remedy
    assert [finding for finding in library.check() if finding.code == "link-archived"]
