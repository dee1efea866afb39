"""Whether the web pages that papers link to are still there. The only rules that ask the network.

Each address is asked once, at most eight at a time and one at a time a host, and no longer than a time in all.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urldefrag, urlsplit

from catalog.bibtex.identifiers import doi
from catalog.check.notes import targets
from catalog.check.sheet import Sheet
from catalog.errors import Finding, KbError
from catalog.ingest.fetch import Answer, Fetch, NoAnswer, http_fetch

AT_ONCE = 8
PAUSE = 0.2
SECONDS = 600.0
GONE = (404, 410)
ASK_AGAIN = (400, 403, 404, 405, 406, 410, 501)
DOI_HOSTS = ("doi.org", "dx.doi.org", "www.doi.org")
STRIKES = 3
_DEAD = ("no-host", "certificate")
_WHOLE_HOST = ("no-host", "certificate", "private")

Outcome = Answer | NoAnswer | None


@dataclass(frozen=True, slots=True)
class Use:
    """One place in a paper file that names an address."""

    sheet: Sheet
    line: int


def check_links(
    sheets: Iterable[Sheet], fetch: Fetch = http_fetch, *, seconds: float = SECONDS, pause: float = PAUSE
) -> list[Finding]:
    """What is wrong with the links of these papers, by path and line.

    Only a page that is gone, a host that does not exist and a certificate that is not valid are errors; what could not
    be asked is a note.
    """
    uses: dict[str, list[Use]] = defaultdict(list)
    for sheet in sheets:
        for url, line in addresses(sheet):
            uses[url].append(Use(sheet, line))
    outcomes = _ask_all(list(uses), fetch, seconds, pause)
    offline = bool(outcomes) and all(_reason(outcome) in ("no-host", "connection") for outcome in outcomes.values())
    found = [
        use.sheet.finding(code, f"{url}: {message}", remedy, use.line)
        for url, places in uses.items()
        for code, message, remedy in _judge(url, outcomes.get(url), offline and len(uses) > 1)
        for use in places
    ]
    return sorted(found, key=lambda finding: (finding.path, finding.line, finding.message))


def addresses(sheet: Sheet) -> Iterator[tuple[str, int]]:
    """Each web address that a paper names, without its fragment, and the line it is on."""
    seen: set[tuple[str, int]] = set()
    for url, line in _named(sheet):
        plain = urldefrag(url).url if "#" in url else url
        if plain.lower().startswith(("http://", "https://")) and (plain, line) not in seen:
            seen.add((plain, line))
            yield plain, line


def _named(sheet: Sheet) -> Iterator[tuple[str, int]]:
    for link in sheet.paper.links:
        yield link.url, sheet.front_line("links", link.url)
    for tutorial in sheet.paper.tutorials:
        yield tutorial.notebook, sheet.front_line("tutorials", tutorial.notebook)
    for one in sheet.written:
        own = one.entry.fields if one.entry else {}
        if url := own.get("url", "").strip():
            yield url.replace("\\_", "_").replace("\\%", "%").replace("\\#", "#"), one.line_of("url")
        if name := doi(own.get("doi", "")):
            yield f"https://doi.org/{quote(name, safe='/:;()._-')}", one.line_of("doi")
    for target in targets(sheet.paper.notes):
        yield target.to.strip(), sheet.notes_line + target.line - 1


def _ask_all(urls: list[str], fetch: Fetch, seconds: float, pause: float) -> Mapping[str, Outcome]:
    """The outcome of each address that could be asked in time."""
    hosts: dict[str, list[str]] = defaultdict(list)
    for url in urls:
        hosts[_host(url)].append(url)
    todo: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    for of_one_host in sorted(hosts.values(), key=len, reverse=True):
        todo.put(of_one_host)
    outcomes: dict[str, Outcome] = {}
    deadline = time.monotonic() + seconds
    workers = [
        threading.Thread(target=_work, args=(todo, outcomes, fetch, deadline, pause), daemon=True)
        for _ in range(min(AT_ONCE, len(hosts)))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(max(0.0, deadline - time.monotonic()))
    return dict(outcomes)


def _work(
    todo: queue.SimpleQueue[list[str]], outcomes: dict[str, Outcome], fetch: Fetch, deadline: float, pause: float
) -> None:
    while True:
        try:
            of_one_host = todo.get_nowait()
        except queue.Empty:
            return
        strikes = 0
        for number, url in enumerate(of_one_host):
            if number:
                time.sleep(pause)
            if time.monotonic() >= deadline:
                return
            outcomes[url] = outcome = _ask(url, fetch)
            strikes = strikes + 1 if _hopeless(outcome) else 0
            if strikes >= (1 if _reason(outcome) in _WHOLE_HOST else STRIKES):
                outcomes.update(dict.fromkeys(of_one_host[number + 1 :], outcome))
                break


def _hopeless(outcome: Outcome) -> bool:
    """Whether asking the same host for more is likely to be in vain, or impolite."""
    return isinstance(outcome, NoAnswer) or (outcome is not None and outcome.status == 429)


def _ask(url: str, fetch: Fetch) -> Outcome:
    try:
        answer = fetch(url, method="HEAD")
        return fetch(url, method="GET") if answer.status in ASK_AGAIN or answer.status >= 500 else answer
    except NoAnswer as e:
        return e
    except KbError as e:
        return NoAnswer("connection", str(e))
    except Exception as e:  # one odd server must not end the check of all others
        return NoAnswer("connection", f"{type(e).__name__}: {e}")


def _judge(url: str, outcome: Outcome, offline: bool) -> Iterator[tuple[str, str, str]]:
    """The findings about one address: code, message, remedy."""
    unchecked = "could not be checked"
    if outcome is None:
        yield "link-unchecked", f"{unchecked}: no time was left", "run it again"
    elif isinstance(outcome, NoAnswer):
        if outcome.reason in _DEAD and not offline:
            yield "link-gone", str(outcome), "correct the address, or remove it"
        else:
            yield "link-unchecked", f"{unchecked}: {outcome}", "look at it in a browser"
    elif outcome.status in GONE:
        yield "link-gone", f"is gone ({outcome.status})", "find its new address, or remove it"
    elif outcome.status >= 400 and not _resolved(url, outcome):
        yield "link-unchecked", f"{unchecked}: the host answered {outcome.status}", "look at it in a browser"
    elif outcome.moved and _host(url) not in DOI_HOSTS:
        yield "link-moved", f"has moved to {outcome.moved}", "write the new address"


def _resolved(url: str, answer: Answer) -> bool:
    """Whether a DOI led to a publisher who then turned the request away: the DOI itself is right."""
    return _host(url) in DOI_HOSTS and _host(answer.url) not in DOI_HOSTS


def _reason(outcome: Outcome) -> str:
    return outcome.reason if isinstance(outcome, NoAnswer) else ""


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
