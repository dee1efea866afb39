"""The network: one polite, bounded request. Addresses come from reading lists, so none may lead into a private net."""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, Protocol
from urllib.parse import SplitResult, urldefrag, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from catalog.errors import KbError

Reason = Literal["address", "private", "no-host", "certificate", "timeout", "connection", "redirects"]
REDIRECTS = 5
LONGEST_WAIT = 10.0
_PERMANENT = (301, 308)
_REDIRECT = (301, 302, 303, 307, 308)
_BUSY = (429, 503)
CHARSETS = frozenset({
    "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "latin1", "iso-8859-2", "iso-8859-5", "iso-8859-9",
    "iso-8859-15", "windows-1250", "windows-1251", "windows-1252", "koi8-r", "koi8-u", "utf-16", "utf-16le", "utf-16be",
    "gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "iso-2022-jp", "euc-kr",
})  # fmt: skip
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.-]{1,40})", re.I | re.A)
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `url` is where it came from in the end, `moved` a new address that is permanent.

    `data` are the bytes of `text`; `headers` have small letters; `cut` says that there was more than was asked for.
    """

    status: int
    url: str
    text: str = ""
    moved: str = ""
    content_type: str = ""
    data: bytes = field(default=b"", compare=False)
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)
    cut: bool = False


class Fetch(Protocol):
    """Asks for an address; raises `NoAnswer`."""

    def __call__(self, url: str, *, accept: str = "", method: str = "GET") -> Answer: ...


class NoAnswer(KbError):
    """Nothing came back; `reason` says why."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class _Limits:
    size: int
    deadline: float
    allow_private: bool
    sleep: Callable[[float], None]
    contact: str = ""
    again: bool = True


def http_fetch(
    url: str,
    *,
    accept: str = "",
    method: str = "GET",
    limit: int = 2_000_000,
    timeout: float = 15.0,
    allow_private: bool = False,
    contact: str = "",
    headers: Mapping[str, str] = NO_HEADERS,
    content: bytes = b"",
    again: bool = True,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Ask for an address: at most five redirects, `limit` bytes of the answer, `timeout` seconds in all.

    `contact` is whom the host may write to, an address of the web or of mail. A host that is busy (429, 503) is asked
    once more after the time it names, ten seconds at most, unless not `again`. `headers` go to the host that is named,
    not to where it redirects. Raises `NoAnswer`, also for an address that leads to this machine or a private network,
    on every redirect.
    """
    from catalog.ingest.wire import Failure, Late

    limits = _Limits(limit, time.monotonic() + timeout, allow_private, sleep, contact, again)
    try:
        return _follow(_Request(method, {"Accept": accept or "*/*"}, headers, content), url, limits)
    except Late:
        raise NoAnswer("timeout", f"{_host(url)} did not answer within {timeout:g} seconds") from None
    except Failure as e:
        raise _no_answer(url, e) from None


def user_agent(contact: str = "") -> str:
    """How requests name this tool, and whom one may write to about them."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        own = version("readrun")
    except PackageNotFoundError:
        own = "0"
    whom = f"; mailto:{contact}" if "@" in contact and "://" not in contact else f"; {contact}" if contact else ""
    return f"readrun/{own} (+kb{whom})"


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    headers: Mapping[str, str]
    private: Mapping[str, str]
    content: bytes

    def to(self, url: str, start: str) -> Mapping[str, str]:
        """The headers for an address; what is private goes to the first host alone."""
        same = _host(url) == _host(start) and url.partition(":")[0] == start.partition(":")[0]
        return {**self.headers, **self.private} if same else self.headers


def _follow(request: _Request, url: str, limits: _Limits) -> Answer:
    start, moved, permanent = url, "", True
    for _ in range(REDIRECTS + 1):
        answer, location = _ask_politely(request, url, request.to(url, start), limits)
        if answer.status not in _REDIRECT or not location:
            return replace(answer, moved=moved if moved != start else "")
        permanent = permanent and answer.status in _PERMANENT
        try:
            url = urljoin(url, location)
        except ValueError:
            raise NoAnswer("address", f"it redirects to {location[:80]!r}, which is not an address") from None
        moved = url if permanent else moved
    raise NoAnswer("redirects", f"more than {REDIRECTS} redirects")


def _ask_politely(request: _Request, url: str, headers: Mapping[str, str], limits: _Limits) -> tuple[Answer, str]:
    answer, location, wait = _ask(request, url, headers, limits)
    busy = limits.again and answer.status in _BUSY
    if not busy or wait is None or time.monotonic() + wait > limits.deadline:
        return answer, location
    limits.sleep(wait)
    return _ask(request, url, headers, limits)[:2]


def _ask(request: _Request, url: str, more: Mapping[str, str], limits: _Limits) -> tuple[Answer, str, float | None]:
    """One request: the answer, where it redirects to, and how long the host asks to wait."""
    from catalog.ingest.wire import ask

    parts = _checked(url)
    proxy = _proxy(parts)
    if proxy:  # only the proxy may be able to look the name up; where we can, we look too
        try:
            _place(parts.hostname or "", _port(parts), limits)
        except NoAnswer as e:
            if e.reason == "private":
                raise
    headers = {"Host": _ascii(parts.netloc.rpartition("@")[2]), "User-Agent": user_agent(limits.contact),
               "Accept-Encoding": "identity", **more}  # fmt: skip
    if request.content:
        headers["Content-Length"] = str(len(request.content))

    def place(host: str, port: int) -> str:
        return host if proxy else _place(host, port, limits)

    got = ask(request.method, parts, headers, place=place, deadline=limits.deadline, size=limits.size, proxy=proxy,
              content=request.content)  # fmt: skip
    kind, body = got.headers.get("content-type", ""), got.body[: limits.size]
    answer = Answer(got.status, url, body.decode(charset(kind), errors="replace"), content_type=kind, data=body,
                    headers=got.headers, cut=len(got.body) > limits.size)  # fmt: skip
    return answer, got.headers.get("location", ""), _retry_after(got.headers.get("retry-after", ""))


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _ascii(host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise NoAnswer("no-host", f"{host[:80]!r} is not a host's name") from None


def _proxy(parts: SplitResult) -> str:
    """The proxy that the environment names for an address, or ""."""
    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all") or ""
    if not found or proxy_bypass(parts.hostname or ""):
        return ""
    found = found if "://" in found else f"http://{found}"
    if not found.startswith(("http://", "https://")):
        raise NoAnswer("connection", f"the proxy {found[:80]} is none of http; unset it, or name another")
    return found


def charset(content_type: str) -> str:
    """The charset that an answer says it has, of those that pages are written in; UTF-8 for any other."""
    found = _CHARSET.search(content_type)
    return found[1].lower() if found and found[1].lower() in CHARSETS else "utf-8"


def _retry_after(value: str) -> float | None:
    if not value.strip().isdecimal():
        return LONGEST_WAIT / 2 if value.strip() else None
    seconds = float(value[:9])
    return min(seconds, LONGEST_WAIT)


def _checked(url: str) -> SplitResult:
    try:
        url.encode()  # half a surrogate pair, from the command line, is in no address
        parts = urlsplit(urldefrag(url).url)
        parts.port  # noqa: B018  reading it is what checks it
    except ValueError as e:
        raise NoAnswer("address", f"{url[:80]!r} is not an address: {e}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NoAnswer("address", f"{url[:80]!r} is no http or https address")
    return parts


def _place(host: str, port: int, limits: _Limits) -> str:
    """The IP to ask: what was checked is what is connected to. All that a name has must be out in the world."""
    from catalog.ingest.wire import in_time

    here = f".{host}".rstrip(".").lower().endswith(".localhost")  # also where only a proxy knows the name
    addresses = in_time(lambda: _resolve(host, port), limits.deadline) if limits.allow_private or not here else []
    if not limits.allow_private and (here or not all(map(is_public, addresses))):
        raise NoAnswer("private", f"{host} is on this machine or in a private network; such hosts are not asked")
    return addresses[0]


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(_ascii(host), port, type=socket.SOCK_STREAM)
    except socket.gaierror as e:
        if e.errno == socket.EAI_AGAIN:
            raise NoAnswer("connection", f"the name {host} could not be looked up just now") from None
        raise NoAnswer("no-host", f"there is no host {host}") from None
    except UnicodeError:
        raise NoAnswer("no-host", f"{host[:80]!r} is not a host's name") from None
    return sorted({str(row[4][0]).partition("%")[0] for row in found}, key=lambda ip: ":" in ip)


def is_public(ip: str) -> bool:
    """Whether an IP address is out in the world; one that wraps a private address is not."""
    address = ipaddress.ip_address(ip)
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner and not is_public(str(inner)):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _no_answer(url: str, error: Exception) -> NoAnswer:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text:
        return NoAnswer("certificate", f"the certificate of {_host(url)} is not valid")
    return NoAnswer("connection", f"{_host(url)} cannot be reached: {text or type(error).__name__}")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url[:80]
    except ValueError:
        return url[:80]
