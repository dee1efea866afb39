"""The network: one polite, bounded request. Addresses come from reading lists, so none may lead into a private net."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import SplitResult, quote, urldefrag, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from catalog.errors import KbError

if TYPE_CHECKING:
    import ssl

    import httpx

Reason = Literal["address", "private", "no-host", "certificate", "timeout", "connection", "redirects"]
REDIRECTS = 5
LONGEST_WAIT = 10.0
_PERMANENT = (301, 308)
_REDIRECT = (301, 302, 303, 307, 308)
_BUSY = (429, 503)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `url` is where it came from in the end, `moved` a new address that is permanent."""

    status: int
    url: str
    text: str = ""
    moved: str = ""
    content_type: str = ""


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


def http_fetch(
    url: str,
    *,
    accept: str = "",
    method: str = "GET",
    limit: int = 2_000_000,
    timeout: float = 15.0,
    allow_private: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Ask for an address: at most five redirects, `limit` bytes of the answer, `timeout` seconds in all.

    A host that is busy (429, 503) is asked once more after the time it names, ten seconds at most. Raises `NoAnswer`,
    also for an address that leads to this machine or a private network, on every redirect.
    """
    import httpx

    limits = _Limits(limit, time.monotonic() + timeout, allow_private, sleep)
    try:
        return _follow(method, url, accept or "*/*", limits)
    except (httpx.TimeoutException, TimeoutError):
        raise NoAnswer("timeout", f"{_host(url)} did not answer within {timeout:g} seconds") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as e:
        raise _no_answer(url, e) from None


def user_agent() -> str:
    """How requests name this tool."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"readrun/{version('readrun')} (+kb)"
    except PackageNotFoundError:
        return "readrun/0 (+kb)"


def _follow(method: str, url: str, accept: str, limits: _Limits) -> Answer:
    start, moved, permanent = url, "", True
    for _ in range(REDIRECTS + 1):
        answer, location = _ask_politely(method, url, accept, limits)
        if answer.status not in _REDIRECT or not location:
            return replace(answer, moved=moved if moved != start else "")
        permanent = permanent and answer.status in _PERMANENT
        url = urljoin(url, location)
        moved = url if permanent else moved
    raise NoAnswer("redirects", f"more than {REDIRECTS} redirects")


def _ask_politely(method: str, url: str, accept: str, limits: _Limits) -> tuple[Answer, str]:
    answer, location, wait = _ask(method, url, accept, limits)
    if answer.status not in _BUSY or wait is None or time.monotonic() + wait > limits.deadline:
        return answer, location
    limits.sleep(wait)
    return _ask(method, url, accept, limits)[:2]


def _ask(method: str, url: str, accept: str, limits: _Limits) -> tuple[Answer, str, float | None]:
    """One request: the answer, where it redirects to, and how long the host asks to wait."""
    import httpx

    parts = _checked(url)
    proxy = _proxy(parts)
    where = _pin(parts, limits.allow_private, bool(proxy))
    headers = {
        "User-Agent": user_agent(),
        "Accept": accept,
        "Accept-Encoding": "identity",
        "Host": parts.netloc.rpartition("@")[2],
    }
    left = limits.deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    with httpx.Client(proxy=proxy or None, trust_env=False, verify=_tls(), timeout=left) as client:
        name = {"sni_hostname": parts.hostname}
        with client.stream(method, where, headers=headers, extensions=name) as response:
            body = _body(response, limits) if method != "HEAD" else b""
    text = body.decode(_charset(response), errors="replace")
    answer = Answer(response.status_code, url, text, content_type=response.headers.get("content-type", ""))
    return answer, response.headers.get("location", ""), _retry_after(response.headers.get("retry-after", ""))


@cache
def _tls() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()


def _proxy(parts: SplitResult) -> str:
    """The proxy that the environment names for an address, or ""."""
    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all") or ""
    return "" if not found or proxy_bypass(parts.hostname or "") else found


def _body(response: httpx.Response, limits: _Limits) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes(65_536):
        body += chunk
        if len(body) >= limits.size:
            break
        if time.monotonic() > limits.deadline:
            raise TimeoutError
    return bytes(body[: limits.size])


def _charset(response: httpx.Response) -> str:
    import codecs

    try:
        return codecs.lookup(response.charset_encoding or "utf-8").name
    except LookupError:
        return "utf-8"


def _retry_after(value: str) -> float | None:
    if not value.strip().isdecimal():
        return LONGEST_WAIT / 2 if value.strip() else None
    seconds = float(value[:9])
    return min(seconds, LONGEST_WAIT)


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(urldefrag(url).url)
        parts.port  # noqa: B018  reading it is what checks it
    except ValueError as e:
        raise NoAnswer("address", f"{url[:80]!r} is not an address: {e}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NoAnswer("address", f"{url[:80]!r} is no http or https address")
    return parts


def _pin(parts: SplitResult, allow_private: bool, proxied: bool) -> str:
    """The address with its host replaced by the IP it has now, so that what was checked is what is asked.

    Through a proxy the name itself is asked, as only the proxy may be able to look it up.
    """
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        addresses = _resolve(host, port)
    except NoAnswer:
        if not proxied:
            raise
        addresses = []
    if not allow_private and not all(map(is_public, addresses)):
        raise NoAnswer("private", f"{host} is on this machine or in a private network; such hosts are not asked")
    if proxied:
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    ip = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=?~-._')}" if parts.query else ""
    return f"{parts.scheme}://{ip}:{port}{path}{query}"


def _resolve(host: str, port: int) -> list[str]:
    try:
        name = host.encode("ascii").decode() if host.isascii() else host.encode("idna").decode()
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
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
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
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
