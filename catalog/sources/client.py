"""The one client that asks services: in turn, within budgets, from memory where it can, never longer than a deadline.

What a service does not answer is `Unavailable`, one line that says who and why; what it does not know is `NotFound`.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar
from urllib.parse import quote, urlsplit

from lxml import etree

from catalog.errors import KbError
from catalog.ingest.fetch import Answer, NoAnswer
from catalog.sources.hosts import HOSTS, Host, host_of
from catalog.sources.memory import Kept, Memory

T = TypeVar("T")
DAY = 86_400.0
FRESH = 7 * DAY  # how long an answer is taken from memory without asking
FRESH_UNKNOWN = DAY / 4  # and how long it is believed that something is not there
PATIENCE = 20.0  # seconds that are waited for a host which names a time
PAUSE = 2.0  # seconds before a host that is busy and names no time is asked once more
LIMIT = 8_000_000
TIMEOUT = 30.0
_BUSY = (429, 503)
_UNKNOWN = (400, 404, 410)  # some say of an id that it is malformed where others say that it is not there
_KEPT_HEADERS = ("content-type", "etag", "last-modified")


class Ask(Protocol):
    """Asks the network once; raises `NoAnswer`. `catalog.ingest.fetch.http_fetch` is one."""

    def __call__(
        self,
        url: str,
        *,
        accept: str,
        method: str,
        headers: Mapping[str, str],
        content: bytes,
        limit: int,
        timeout: float,
        again: bool,
    ) -> Answer: ...


class Unavailable(KbError):
    """A service did not answer; `offline` where it looks as if there were no network at all."""

    def __init__(self, message: str, offline: bool = False) -> None:
        self.offline = offline
        super().__init__(message)


class NotFound(KbError):
    """A service knows nothing of what it was asked for."""


def unknown_form(service: str) -> Unavailable:
    """An answer that is read, and is none of those that are known."""
    return Unavailable(f"{service} answered in a form that kb does not know")


@dataclass
class Client:
    """Asks services. `fetch` is how the network is asked, `keys` are the user's by service, `now` gives Unix time.

    `fresh` is how long an answer counts (seconds). `closed` says of hosts why they are not asked again by this client,
    `broken` how often they failed, `offline` why nobody is asked.
    """

    fetch: Ask
    memory: Memory = field(default_factory=Memory)
    keys: Mapping[str, str] = field(default_factory=dict)
    fresh: float = FRESH
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    closed: dict[str, str] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    asked: int = 0
    offline: str = ""
    _last: str = ""

    def get(self, url: str, accept: str = "", content: bytes = b"", cost: int = 0) -> Answer:
        """What an address answers, from memory where that is fresh. Raises `NotFound`, `Unavailable`.

        `content` is sent as JSON; `cost` is what the request takes of the host's daily budget.
        """
        name = self._last = f"{url}\n{accept}\n{content.decode()}"
        kept = self.memory.answer(name)
        fresh = self.fresh if kept and kept.status == 200 else min(self.fresh, FRESH_UNKNOWN)
        fresh = max(fresh, host_of(_host(url)).keeps) if self.fresh else 0.0
        if not kept or self.now() - kept.asked > fresh:
            kept = self._asked(url, accept, content, cost, kept)
            self.memory.keep(name, kept)
        answer = _answer(kept)
        if answer.status in _UNKNOWN:
            raise NotFound(f"not known at {self.name(url)}")
        return answer

    def json(self, url: str, content: bytes = b"", cost: int = 0) -> Any:
        """An answer in JSON. Raises `NotFound`, `Unavailable`, also where it is no JSON."""
        answer = self.get(url, "application/json", content, cost)
        try:
            return json.loads(answer.data.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            raise self.useless(url, answer, "JSON") from None

    def xml(self, url: str) -> Any:
        """The root of an answer in XML, which loads nothing from elsewhere. Raises as `json` does."""
        answer = self.get(url, "application/xml")
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        try:
            if b"<html" in answer.data[:2000].lower():
                raise ValueError("a page")
            return etree.fromstring(answer.data, parser)
        except (etree.XMLSyntaxError, ValueError):
            raise self.useless(url, answer, "XML") from None

    def text(self, url: str, accept: str = "") -> str:
        """An answer as text: UTF-8, or what the host says that it is where it is not. Raises as `get` does."""
        answer = self.get(url, accept)
        try:
            return answer.data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return answer.text

    def download(self, url: str, limit: int) -> bytes:
        """The bytes of a file, in turn, and kept nowhere. Raises `NotFound`, `Unavailable`."""
        host = _host(url)
        self._may_ask(host, 0)
        self._wait_turn(host)
        answer = self._send(url, host, "application/pdf", limit=limit, timeout=4 * TIMEOUT)
        if answer.status in _UNKNOWN:
            raise NotFound(f"not known at {self.name(url)}")
        if answer.status >= 400:
            self._busy(answer, host, 2)
        if answer.cut:
            raise self._too_large(url, limit)
        return answer.data

    @staticmethod
    def name(url: str) -> str:
        """What the service of an address is called."""
        return host_of(_host(url)).name

    def forget_last(self) -> None:
        """Keep the last answer no longer: it turned out to be none."""
        self.memory.drop(self._last)

    def useless(self, url: str, answer: Answer, wanted: str) -> Unavailable:
        """An answer that is not of the form that was asked for; the next time it is asked for anew."""
        self.forget_last()
        return Unavailable(f"{self.name(url)} answered with {_said_kind(answer)} and not with {wanted}")

    # --- one request ---

    def _asked(self, url: str, accept: str, content: bytes, cost: int, kept: Kept | None) -> Kept:
        host = _host(url)
        self._may_ask(host, cost)
        for attempt in (1, 2):
            self._wait_turn(host)
            answer = self._send(url, host, accept, content, kept)
            if answer.status == 304 and kept:
                return replace(kept, asked=self.now())
            if answer.cut:
                raise self._too_large(url, LIMIT)
            if answer.status == 200 or answer.status in _UNKNOWN:
                break
            self._busy(answer, host, attempt)
        headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
        headers.setdefault("content-type", answer.content_type)
        return Kept(self.now(), answer.status, answer.url, headers, answer.data or answer.text.encode())

    def _send(
        self,
        url: str,
        host: str,
        accept: str,
        content: bytes = b"",
        kept: Kept | None = None,
        limit: int = LIMIT,
        timeout: float = 0.0,
    ) -> Answer:
        method = "POST" if content else "GET"
        headers = _conditions(kept) | ({"Content-Type": "application/json"} if content else {})
        key = self.keys.get(host_of(host).key, "")
        asked, own = _with_key(url, host_of(host), key) if key else (url, {})
        self.asked += 1
        try:
            return self.fetch(asked, accept=accept, method=method, headers=headers | own, content=content, limit=limit,
                              timeout=timeout or TIMEOUT, again=False)  # fmt: skip
        except NoAnswer as e:
            self._note_offline(host, e)
            said = str(e).replace(key, "…") if key else str(e)
            self.closed[host] = self.offline or f"{self.name(url)} could not be asked: {said}"
            raise Unavailable(self.closed[host], bool(self.offline)) from None

    def _may_ask(self, host: str, cost: int) -> None:
        """Raises `Unavailable` where the host is not to be asked now, or the day's budget is used up."""
        if self.offline:
            raise Unavailable(self.offline, True)
        if why := self.closed.get(host):
            raise Unavailable(why)
        self._spend(host, cost)

    def _too_large(self, url: str, limit: int) -> Unavailable:
        return Unavailable(f"{self.name(url)} answered with more than {limit // 1_000_000} MB")

    def _note_offline(self, host: str, error: NoAnswer) -> None:
        """Say once for all that there is no network, where not even the name of a service is found."""
        if not _is_of_network(error):
            return
        if host not in HOSTS:  # the page of a paper may have gone with its host
            try:
                self.fetch("https://doi.org/", accept="", method="HEAD", headers={}, content=b"", limit=1,
                           timeout=TIMEOUT / 4, again=False)  # fmt: skip
            except NoAnswer as e:
                if not _is_of_network(e):
                    return
            else:
                return
        self.offline = f"there is no network: {error}"

    def _busy(self, answer: Answer, host: str, attempt: int) -> None:
        """Wait as long as a busy host asks, once; raises `Unavailable` where that is too long, or it is not busy."""
        about = host_of(host)
        if answer.status not in _BUSY:
            why = "refuses to answer" if answer.status in (401, 403) else f"answered {answer.status}"
            if answer.status >= 500:  # once may be about what was asked for, twice is about the host
                self.broken[host] = self.broken.get(host, 0) + 1
                if self.broken[host] > 1:
                    self.closed[host] = f"{about.name} {why}"
            raise Unavailable(f"{about.name} {why}; try again later")
        said = answer.headers.get("retry-after", "")
        wait = _seconds(said, self.now())
        seconds = PAUSE if wait is None else wait
        if attempt == 1 and seconds <= PATIENCE:
            self.sleep(seconds)
            return
        seconds = max(seconds, 60.0)
        state = self.memory.host(host)
        self.memory.note(host, replace(state, until=self.now() + min(seconds, DAY)))
        self.closed[host] = f"{about.name} is busy ({answer.status}); ask again {_when(self.now() + seconds)}"
        raise Unavailable(self.closed[host])

    def _spend(self, host: str, cost: int) -> None:
        about, state = host_of(host), self.memory.host(host)
        if state.until > self.now():
            raise Unavailable(f"{about.name} is busy; ask again {_when(state.until)}")
        has_key = bool(self.keys.get(about.key))
        most = about.with_key if has_key else about.daily
        if not cost or not most:
            return
        day = dt.datetime.fromtimestamp(self.now(), dt.UTC).date().isoformat()
        spent = state.spent if state.day == day else 0
        if spent + cost > most:
            remedy = "" if has_key else f"; a key of your own raises it ({about.key} in [keys])"
            raise Unavailable(f"the budget of {about.name} for today is used up{remedy}")
        self.memory.note(host, replace(state, day=day, spent=spent + cost))

    def _wait_turn(self, host: str) -> None:
        about = host_of(host)
        every = about.with_key_every if about.with_key_every and self.keys.get(about.key) else about.every
        state = self.memory.host(host)
        ahead = state.last + every - self.now()
        if 0 < ahead <= every:
            self.sleep(ahead)
        self.memory.note(host, replace(state, last=max(self.now(), state.last if ahead <= every else 0.0)))


def batches(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The things, so many at a time."""
    return (things[start : start + size] for start in range(0, len(things), size))


def each(names: Iterable[str], ask: Callable[[str], T | None], client: Client) -> Iterator[tuple[str, T]]:
    """What each name gives, asked for one after the other; what is not known is left out.

    One about which a service says nonsense keeps none of the others from being asked for: the first such `Unavailable`
    is raised at the end, one for want of a network at once.
    """
    silent: Unavailable | None = None
    for name in names:
        try:
            if (found := ask(name)) is not None:
                yield name, found
        except NotFound:
            continue
        except Unavailable as e:
            client.forget_last()
            if e.offline:
                raise
            silent = silent or e
    if silent:
        raise silent


def _conditions(kept: Kept | None) -> dict[str, str]:
    """The headers by which a host need not send again what has not changed."""
    known = kept.headers if kept else {}
    if "etag" in known:
        return {"If-None-Match": known["etag"]}
    return {"If-Modified-Since": known["last-modified"]} if "last-modified" in known else {}


def _with_key(url: str, about: Host, key: str) -> tuple[str, dict[str, str]]:
    """An address and headers with a key of the user's, where the service wants it."""
    if about.into.startswith("?"):
        return f"{url}{'&' if '?' in url else '?'}{about.into[1:]}={quote(key, safe='')}", {}
    return url, {"Authorization": f"Bearer {key}"} if about.into == "bearer" else {about.into: key}


def _answer(kept: Kept) -> Answer:
    from catalog.ingest.fetch import charset

    kind = kept.headers.get("content-type", "")
    text = kept.data.decode(charset(kind), errors="replace")
    return Answer(kept.status, kept.url, text, content_type=kind, data=kept.data, headers=kept.headers)


def _said_kind(answer: Answer) -> str:
    start = answer.data[:200].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a page"
    return "nothing" if not answer.data.strip() else "something else"


def _is_of_network(error: NoAnswer) -> bool:
    """Whether it was not the host that failed: its name was not found, or nothing leads anywhere."""
    return error.reason == "no-host" or "looked up" in str(error) or "unreachable" in str(error)


def _seconds(retry_after: str, now: float) -> float | None:
    """What a Retry-After says, as seconds from now: a number or a date; None where it says nothing."""
    from email.utils import parsedate_to_datetime

    said = retry_after.strip()
    if said.isdecimal():
        return float(said[:9])
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - now) if said else None
    except (TypeError, ValueError):
        return None


def _when(moment: float) -> str:
    then = dt.datetime.fromtimestamp(moment).astimezone()
    return f"after {then:%H:%M}" if then.date() == dt.datetime.now().astimezone().date() else f"after {then:%Y-%m-%d}"


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
