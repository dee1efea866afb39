"""One request on the wire, which ends by its deadline whatever the other side does.

httpcore takes the network from whom it is given: here, each connection goes to the address that was checked, and each
read and write has what is left of the whole time, so that a host which sends a byte now and then gains none.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar
from urllib.parse import SplitResult, quote

import httpcore2 as httpcore

T = TypeVar("T")
Failure = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, httpcore.UnsupportedProtocol, OSError)
Late = (httpcore.TimeoutException, TimeoutError)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: the first value of each header by its name in small letters, and the body up to a size."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(
    method: str, parts: SplitResult, headers: Mapping[str, str], *, place: Callable[[str, int], str], deadline: float,
    size: int, proxy: str = "", content: bytes = b"",
) -> Response:  # fmt: skip
    """Ask for an address; `place` says which IP a host has, and raises where none may be asked.

    Of a body that is longer than `size`, one byte more than that is given.

    Raises one of `Late` at the deadline (of the monotonic clock), and one of `Failure` where there is no answer.
    """
    network = _Network(deadline, place)
    with (
        _pool(network, proxy) as pool,
        pool.stream(method, _url(parts), headers=list(headers.items()), content=content or None) as response,
    ):
        named = {name.decode("latin-1").lower(): _text(value) for name, value in reversed(response.headers)}
        body = bytearray()
        for chunk in response.iter_stream() if method != "HEAD" else ():
            body += chunk
            if len(body) > size:
                break
        return Response(response.status, named, bytes(body[: size + 1]))


def in_time(work: Callable[[], T], deadline: float) -> T:
    """What a call that knows no time limit gives, such as the look-up of a name; raises `TimeoutError`."""
    done: list[T] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            done.append(work())
        except Exception as e:
            failed.append(e)

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    worker.join(_left(deadline))
    if failed:
        raise failed[0]
    if not done:
        raise TimeoutError
    return done[0]


class _Network(httpcore.NetworkBackend):
    """Connections to the addresses that were checked, with what is left of the time."""

    def __init__(self, deadline: float, place: Callable[[str, int], str]) -> None:
        self.deadline, self.place, self.real = deadline, place, httpcore.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        del timeout
        ip = self.place(host, port)
        stream = self.real.connect_tcp(ip, port, _left(self.deadline), local_address, socket_options)
        return _Stream(stream, self.deadline)


class _Stream(httpcore.NetworkStream):
    """A connection on which no call outlasts the deadline."""

    def __init__(self, real: httpcore.NetworkStream, deadline: float) -> None:
        self.real, self.deadline = real, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        return self.real.read(max_bytes, _left(self.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self.real.write(buffer, _left(self.deadline))

    def close(self) -> None:
        self.real.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        del timeout
        return _Stream(self.real.start_tls(ssl_context, server_hostname, _left(self.deadline)), self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.real.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _pool(network: _Network, proxy: str) -> httpcore.ConnectionPool:
    if proxy:
        return httpcore.HTTPProxy(proxy, ssl_context=_tls(), network_backend=network)
    return httpcore.ConnectionPool(ssl_context=_tls(), network_backend=network)


def _url(parts: SplitResult) -> httpcore.URL:
    host = parts.hostname or ""
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=?~-._')}" if parts.query else ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    name = host if host.isascii() else host.encode("idna").decode()
    return httpcore.URL(scheme=parts.scheme.encode(), host=name.encode(), port=port, target=(path + query).encode())


@cache
def _tls() -> ssl.SSLContext:
    return httpcore.default_ssl_context()


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
