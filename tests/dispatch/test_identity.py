"""Client tokens and query hashes."""

from __future__ import annotations

import pytest

from osm3s.dispatch.identity import client_token
from osm3s.dispatch.journal import escape
from osm3s.dispatch.request_hash import normalised, request_hashes


@pytest.mark.parametrize(
    ("address", "token"),
    [
        ("", 0),
        ("1.2.3.4", 0x01020304),
        ("255.255.255.255", 0xFFFFFFFF),
        ("2001:db8:1:2:3:4:5:6", (0x2001 ^ 1) << 16 | (0xDB8 ^ 2)),
        ("2001:db8::1", 0x20010DB8),
        ("::1", 0),
        ("1:2:3::", (1 ^ 3) << 16 | 2),
        ("::ffff:1.2.3.4", 0x01020304),
        ("nonsense", 0),
        ("1.2.x.99999999999", 0x010200FF & 0xFFFFFFFF),
    ],
)
def test_token(address: str, token: int) -> None:
    assert client_token(address) == token


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (b" node ( 1 ) ;\n\tout  meta ; ", b"node(1);out meta;"),
        (b"node(1); // first\nout;", b"node(1);out;"),
        (b"node/* a */(1);out /* b */ meta;", b"node(1);out meta;"),
        (b'node[a="// no comment"];', b'node[a="// no comment"];'),
        (b"out /* never ends", b"out"),
        (b"", b""),
    ],
)
def test_layout_does_not_count(text: bytes, same: bytes) -> None:
    assert request_hashes(text) == request_hashes(same)
    assert normalised(text) == normalised(same)


def test_numbers_count_in_one_hash_only() -> None:
    full, anonymous = zip(request_hashes(b"node(1,2.5);"), request_hashes(b"node(77,3);"), strict=True)
    assert full[0] != full[1] and anonymous[0] == anonymous[1]
    full, anonymous = zip(request_hashes(b'n(poly:"1 2");'), request_hashes(b'n(poly:"1 2 3 4");'), strict=True)
    assert full[0] != full[1] and anonymous[0] == anonymous[1]
    assert request_hashes(b"out ids;") != request_hashes(b"outids;")


def test_escaping_in_the_log() -> None:
    assert escape(b'a "b" \\ \n\t\r\x01 \xc3\xb6 \xff') == 'a \\"b\\" \\\\ \\n\\t\\r? ö \udcff'
