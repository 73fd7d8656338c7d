"""Damage as it happens to files, and worse."""

from collections.abc import Callable
from random import Random

NASTY = (
    b'"',
    b'""',
    b",",
    b";",
    b"\t",
    b"\r",
    b"\0",
    b"\xff",
    b"\xc3",
    b"'",
    b" ",
    b"\xef\xbb\xbf",
    b"\\",
    b"#",
    b"\n",
)
CELLS = (b"nan", b"inf", b"-inf", b"1e999", b"1e41", b"-", b"", b"x", b"0x1F", b"1,5", b'2"1', b'"', b'"a"b', b'"a\nb"',
         b'""', b"NULL", b"=1+1", b"9" * 400, "ü".encode(), b"True")  # fmt: skip


def insert(text: bytes, draw: Random) -> bytes:
    """One awkward letter somewhere."""
    at = draw.randrange(len(text) + 1)
    return text[:at] + draw.choice(NASTY) + text[at:]


def flip(text: bytes, draw: Random) -> bytes:
    """One bit."""
    if not text:
        return text
    at = draw.randrange(len(text))
    return text[:at] + bytes([text[at] ^ 1 << draw.randrange(8)]) + text[at + 1 :]


def cut_out(text: bytes, draw: Random) -> bytes:
    """A stretch is gone."""
    start = draw.randrange(len(text) + 1)
    return text[:start] + text[start + draw.choice([1, 5, 80, 900]) :]


def cut_off(text: bytes, draw: Random) -> bytes:
    """The file ends too early."""
    return text[: draw.randrange(len(text) + 1)]


def cell(text: bytes, draw: Random) -> bytes:
    """One cell says something else; often the last one of its line."""
    lines = text.split(b"\n")
    at = draw.randrange(len(lines))
    cells = lines[at].split(b",")
    cells[draw.choice([-1, draw.randrange(len(cells))])] = draw.choice(CELLS)
    lines[at] = b",".join(cells)
    return b"\n".join(lines)


def quoted(text: bytes, draw: Random) -> bytes:
    """A quotation mark within a cell, as in `2"1`, or two of them in different lines."""
    for _ in range(draw.choice([1, 2])):
        at = draw.randrange(len(text) + 1)
        text = text[:at] + b'"' + text[at:]
    return text


def line(text: bytes, draw: Random) -> bytes:
    """A line is there twice, blank, without its end, too long, or gone."""
    lines = text.split(b"\n")
    at = draw.randrange(len(lines))
    lines[at : at + 1] = draw.choice(
        [[lines[at]] * 2, [b"", lines[at]], [b"  ", lines[at]], [lines[at] + b",1"], [lines[at] + b",,"], []]
    )
    return b"\n".join(lines)


def bare_end(text: bytes, draw: Random) -> bytes:
    """No line end at the end, or several."""
    return text.rstrip(b"\n") + draw.choice([b"", b"", b"\n\n", b"\r\n", b" "])


def carriage(text: bytes, draw: Random) -> bytes:
    """Windows' line ends, here and there or throughout."""
    return text.replace(b"\n", b"\r\n", draw.choice([-1, 1, 7]))


def wholly(text: bytes, draw: Random) -> bytes:
    """Another encoding, a byte-order mark, another separator, the file twice."""
    ways: list[Callable[[], bytes]] = [
        lambda: text.decode("latin-1").encode("utf-16"),
        lambda: b"\xef\xbb\xbf" + text,
        lambda: text.replace(b",", draw.choice([b";", b"\t", b"|"])),
        lambda: text + text,
        lambda: b"",
    ]
    return draw.choice(ways)()


OFTEN = (insert, flip, cut_out, cell, cell, quoted, quoted, line, bare_end, bare_end)
WAYS = (*OFTEN, *OFTEN, cut_off, carriage, wholly)


def mutated(text: bytes, draw: Random) -> bytes:
    """`text` with one to three kinds of damage."""
    for _ in range(draw.choice([1, 1, 2, 3])):
        text = draw.choice(WAYS)(text, draw)
    return text
