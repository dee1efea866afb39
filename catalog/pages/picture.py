"""Pictures of strangers: PNG files checked chunk by chunk and written again with what draws them, and nothing else."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

LARGEST = 4_000_000
MOST_PIXELS = 25_000_000
LONGEST_SIDE = 20_000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DRAWN = (b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"sRGB", b"IDAT", b"IEND")


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG file and its size in pixels."""

    width: int
    height: int
    body: bytes


def png(encoded: str) -> Picture | None:
    """The picture that a text in base64 holds; None where it is no sound PNG file, or larger than a page shows."""
    if len(encoded) > LARGEST * 4 // 3 + 1000:
        return None
    try:
        body = base64.b64decode("".join(encoded.split()), validate=True)
        chunks = list(_chunks(body))
        width, height = struct.unpack(">II", chunks[0][1][:8])
    except (ValueError, IndexError, binascii.Error, struct.error):
        return None
    kinds = [kind for kind, _ in chunks]
    sound = kinds[0] == b"IHDR" and kinds[-1] == b"IEND" and b"IDAT" in kinds and len(chunks[0][1]) == 13
    if not sound or not 0 < width <= LONGEST_SIDE or not 0 < height <= LONGEST_SIDE or width * height > MOST_PIXELS:
        return None
    return Picture(width, height, _SIGNATURE + b"".join(_chunk(*one) for one in chunks if one[0] in _DRAWN))


def _chunks(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and data of each chunk up to the last. Raises `ValueError` where one is damaged."""
    if not body.startswith(_SIGNATURE) or len(body) > LARGEST:
        raise ValueError("not a PNG file that is shown")
    place, kind = len(_SIGNATURE), b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", body[place : place + 8])
        data = body[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack(">I", body[place + 8 + length : place + 12 + length])
        if checksum != zlib.crc32(kind + data):
            raise ValueError("a damaged chunk")
        yield kind, data
        place += 12 + length


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
