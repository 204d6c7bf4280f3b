"""Whose `X-Forwarded-For` is believed, and what it says: the address a request is counted for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from osm3s.errors import UsageError

if TYPE_CHECKING:  # imported only where a proxy is named: it takes ten milliseconds
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network


class TrustedProxies:
    """`places` are addresses ("10.0.0.5", "::1") and networks ("10.0.0.0/8"). Raises UsageError for anything else."""

    def __init__(self, places: Iterable[str] = ()) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        for place in places:
            from ipaddress import ip_network

            try:
                self._networks.append(ip_network(place))
            except ValueError as error:
                raise UsageError(f"not an address or a network of addresses: {place} ({error})") from None

    def client_of(self, peer: str, forwarded_for: str) -> str:
        """The client's address, given that of the connection and the header field (empty: there is none).

        The field lists who spoke for whom, the nearest last. Read from there, the first that is not a trusted proxy is
        the client; what stands before it, the client itself may have written.
        """
        if not self._networks or not self._trusts(_address(peer)):
            return peer
        client = peer
        for item in reversed(forwarded_for.split(",")):
            address = _address(item)
            if address is None:
                break
            client = str(address)
            if not self._trusts(address):
                break
        return client

    def _trusts(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """With or without a port; an IPv4 address in the clothes of an IPv6 one is the IPv4 address."""
    from ipaddress import IPv6Address, ip_address

    text = text.strip().partition("%")[0]
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
