"""The address that a request is counted for."""

from __future__ import annotations

import pytest

from osm3s.dispatch.identity import client_token
from osm3s.errors import UsageError
from osm3s.serve.trusted_proxies import TrustedProxies

PROXIES = TrustedProxies(["10.0.0.0/8", "::1", "192.0.2.7"])


@pytest.mark.parametrize(
    ("peer", "header", "client"),
    [
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),
        ("10.1.2.3", "1.2.3.4", "1.2.3.4"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("10.1.2.3", "6.6.6.6, 1.2.3.4, 10.9.9.9, 192.0.2.7", "1.2.3.4"),
        ("10.1.2.3", "1.2.3.4:5678", "1.2.3.4"),
        ("10.1.2.3", "[2001:db8::5]:443", "2001:db8::5"),
        ("::1", " 2001:db8::5 ", "2001:db8::5"),
        ("::ffff:10.0.0.1", "::ffff:1.2.3.4", "1.2.3.4"),
        ("10.1.2.3", "unknown", "10.1.2.3"),
        ("10.1.2.3", "1.2.3.4, garbage, 10.9.9.9", "10.9.9.9"),
        ("10.1.2.3", "10.5.5.5", "10.5.5.5"),
    ],
)
def test_the_nearest_that_is_no_proxy_is_the_client(peer: str, header: str, client: str) -> None:
    assert PROXIES.client_of(peer, header) == client


def test_without_configuration_nobody_is_believed() -> None:
    assert TrustedProxies().client_of("127.0.0.1", "1.2.3.4") == "127.0.0.1"


def test_a_place_that_is_none() -> None:
    with pytest.raises(UsageError, match=r"not an address or a network of addresses: 10\.0\.0\.300"):
        TrustedProxies(["10.0.0.300"])


def test_addresses_of_one_network_are_one_client() -> None:
    assert client_token("2001:db8:1:2::1") == client_token("2001:db8:1:2:ffff::9") != client_token("2001:db8:1:3::1")
    assert client_token("1.2.3.4") == client_token("::ffff:1.2.3.4") == 0x01020304
