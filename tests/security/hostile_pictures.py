"""Pictures that were made to hurt whoever opens them: small files that ask for much memory or much time."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

#: The most that may pass for a picture, in pixels, and its sides.
WIDE, HIGH = 5000, 4000
LIMIT_BYTES = 16 << 20


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def table(kind: int, number: int, values: bytes) -> bytes:
    """A Huffman table with codes of eight bits (ITU T.81, B.2.4.2)."""
    counts = bytearray(16)
    counts[7] = len(values)
    return segment(0xC4, bytes([kind << 4 | number]) + bytes(counts) + values)


def jpeg_head(width: int, height: int, sof: int = 0xC2, components: int = 3) -> bytes:
    quantisation = segment(0xDB, b"\x00" + b"\x01" * 64)
    parts = b"".join(bytes([n + 1, 0x11, 0]) for n in range(components))
    frame = segment(sof, struct.pack(">BHHB", 8, height, width, components) + parts)
    # Values of the code words 00, 01, 02 …: nothing, and the runs of empty blocks of 2^1 … 2^14 and more.
    return b"\xff\xd8" + quantisation + frame + table(0, 0, b"\x00") + table(1, 0, bytes(run << 4 for run in range(15)))


def scan(components: bytes, first: int, last: int, high: int, low: int, data: bytes) -> bytes:
    head = bytes([len(components)]) + b"".join(bytes([n, 0x00]) for n in components) + bytes([first, last, high << 4 | low])
    return segment(0xDA, head) + data


def packed(bits: str) -> bytes:
    """Bits as entropy-coded data: filled up with ones, a zero byte behind each FF."""
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")


def progressive(width: int, height: int, scans: int, *, refine: bool) -> bytes:
    """A progressive JPEG of empty blocks: a scan costs a few bytes and the decoder a walk over every block."""
    blocks = -(-width // 8) * -(-height // 8)
    longest_run = "00001110" + "1" * 14  # the code word of 32,767 empty blocks, and its extra bits (ITU T.81, G.1.2.2)
    empty = packed(longest_run * (blocks // 32767 + 1))
    parts = [jpeg_head(width, height), scan(b"\x01\x02\x03", 0, 0, 0, 1, packed("0" * 8 * 3 * blocks))]
    for n in range(scans):
        component = bytes([n % 3 + 1])
        parts.append(scan(component, 1, 63, 1 if refine and n >= 3 else 0, 0 if refine and n >= 3 else 1, empty))
    return b"".join([*parts, b"\xff\xd9"])


def png(width: int, height: int, depth: int, colour: int, *, interlaced: bool = False, chunks: bytes = b"") -> bytes:
    """All zeros, as small as zlib makes it."""
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    rows = zipped(height * (1 + (width * bits + 7) // 8) + (1 << 20))
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    palette = png_chunk(b"PLTE", bytes(768)) if colour == 3 else b""
    return (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + chunks + palette + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
    )


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bmp(width: int, height: int, bits: int, compression: int, body: bytes) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(body), 0, 0, 0, 0)
    colours = bytes(1024) if bits == 8 else b""
    at = 14 + len(head) + len(colours)
    return b"BM" + struct.pack("<IHHI", at + len(body), 0, 0, at) + head + colours + body


def zipped(size: int) -> bytes:
    """What unpacks to so many zeros; a block of 1 MiB comes again and again."""
    packer = zlib.compressobj(1)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()


def frames_control(number: int) -> bytes:
    """An animated PNG that says it has so many pictures."""
    return png_chunk(b"acTL", struct.pack(">II", number, 0))


CORPUS: dict[str, Callable[[], bytes]] = {
    "258 bytes that ask for gigabytes": lambda: jpeg_head(65500, 65500)[:240] + scan(b"\x01", 0, 0, 0, 0, b"\x00" * 8),
    "65535 x 65535, baseline": lambda: jpeg_head(65535, 65535, 0xC0) + scan(b"\x01\x02\x03", 0, 63, 0, 0, bytes(64)),
    "65535 x 1": lambda: jpeg_head(65535, 1, 0xC0) + scan(b"\x01\x02\x03", 0, 63, 0, 0, bytes(64)) + b"\xff\xd9",
    "progressive, 1000 scans": lambda: progressive(640, 480, 1000, refine=False),
    "progressive, 1000 scans of the largest": lambda: progressive(WIDE, HIGH, 1000, refine=True),
    "progressive, as many scans as are taken, of the largest": lambda: progressive(WIDE, HIGH, 60, refine=False),
    "progressive, as many refinements as are taken, of the largest": lambda: progressive(WIDE, HIGH, 60, refine=True),
    "progressive, the largest, cut off": lambda: progressive(WIDE, HIGH, 10, refine=False)[:400],
    "baseline, the largest, cut off": lambda: jpeg_head(WIDE, HIGH, 0xC0) + scan(b"\x01\x02\x03", 0, 63, 0, 0, b"\x00" * 64),
    "lossless": lambda: jpeg_head(WIDE, HIGH, 0xC3) + scan(b"\x01\x02\x03", 1, 0, 0, 0, bytes(64)),
    "arithmetic coding": lambda: jpeg_head(WIDE, HIGH, 0xC9) + scan(b"\x01\x02\x03", 0, 63, 0, 0, bytes(64)),
    "progressive, arithmetic": lambda: jpeg_head(WIDE, HIGH, 0xCA) + scan(b"\x01\x02\x03", 0, 0, 0, 0, bytes(64)) * 60,
    "sixteen megabytes of fill bytes": lambda: (b"\xff\xd8" + b"\xff" * LIMIT_BYTES)[:LIMIT_BYTES],
    "sixteen megabytes of stuffed bytes": lambda: (
        jpeg_head(WIDE, HIGH, 0xC0) + scan(b"\x01\x02\x03", 0, 63, 0, 0, b"\xff\x00" * (LIMIT_BYTES // 2))
    )[:LIMIT_BYTES],
    "sixteen megabytes of restarts": lambda: (
        jpeg_head(WIDE, HIGH, 0xC0) + scan(b"\x01\x02\x03", 0, 63, 0, 0, b"\xff\xd0" * (LIMIT_BYTES // 2))
    )[:LIMIT_BYTES],
    "four million empty segments": lambda: (b"\xff\xd8" + b"\xff\xe0\x00\x02" * (LIMIT_BYTES // 4))[:LIMIT_BYTES],
    "four million comments, then a picture": lambda: (
        b"\xff\xd8" + b"\xff\xfe\x00\x02" * (LIMIT_BYTES // 4 - 2000) + progressive(64, 64, 1, refine=False)[2:]
    )[:LIMIT_BYTES],
    "a segment that goes on behind the end": lambda: b"\xff\xd8\xff\xe1\xff\xff" + bytes(100),
    "a segment of length nought": lambda: b"\xff\xd8" + b"\xff\xe0\x00\x00" * 1000,
    "PNG, 30000 x 30000": lambda: png(30000, 30000, 1, 0),
    "PNG, the largest, eight bits": lambda: png(WIDE, HIGH, 8, 2),
    "PNG, the largest, sixteen bits with alpha": lambda: png(WIDE, HIGH, 16, 6),
    "PNG, the largest, interlaced": lambda: png(WIDE, HIGH, 16, 6, interlaced=True),
    "PNG, the largest, one bit": lambda: png(WIDE, HIGH, 1, 0),
    "PNG, a row of the largest": lambda: png(WIDE * HIGH, 1, 8, 2),
    "PNG, a profile that unpacks to 256 MB": lambda: png(
        64, 64, 8, 2, chunks=png_chunk(b"iCCP", b"x\x00\x00" + zipped(1 << 28))
    ),
    "PNG, words that unpack to 2 GB": lambda: png(64, 64, 8, 2, chunks=png_chunk(b"zTXt", b"x\x00\x00" + zipped(1 << 30)) * 8),
    "PNG, a million chunks": lambda: png(64, 64, 8, 2, chunks=png_chunk(b"tEXt", b"a\x00b") * (LIMIT_BYTES // 16)),
    "PNG, two thousand million pictures": lambda: png(64, 64, 8, 2, chunks=frames_control(0x7FFFFFFF)),
    "PNG, the largest, animated": lambda: png(WIDE, HIGH, 8, 2, chunks=frames_control(1000)),
    "PNG, two heads": lambda: png(64, 64, 8, 2, chunks=png(30000, 30000, 1, 0)[8:33]),
    "PNG, cut off": lambda: png(WIDE, HIGH, 8, 2)[:200],
    "BMP, 65500 x 65500": lambda: bmp(65500, 65500, 24, 0, bytes(64)),
    "BMP, the largest, run lengths": lambda: bmp(WIDE, HIGH, 8, 1, b"\xff\x00" * 90000),
    "BMP, the largest, cut off": lambda: bmp(WIDE, HIGH, 24, 0, bytes(64)),
    "BMP, jumps": lambda: bmp(WIDE, HIGH, 8, 1, b"\x00\x02\xff\xff" * 100000),
}


def write(folder: Path) -> Iterator[tuple[str, Path]]:
    """Each file of the corpus, none larger than is read at all."""
    for n, (name, make) in enumerate(CORPUS.items()):
        path = folder / f"{n:02}.jpg"
        path.write_bytes(make())
        yield name, path
