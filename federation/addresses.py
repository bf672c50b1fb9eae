"""Which network addresses a node may connect to: public ones, and networks that its operator has named. Pure.

It is asked about the very address of each connection, so it does not matter what a name meant before (DNS rebinding),
nor in which way an address is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

Allows = Callable[[str], bool]
"""True for an IP address, as text, that may be connected to."""

_TRANSLATED = IPv6Network("64:ff9b::/96")  # NAT64 (RFC 6052): the last 32 bits are an IPv4 address


def everywhere(_address: str) -> bool:
    """For tools that go where their user sends them, and for tests. A node passes the rule of its settings."""
    return True


def public_and(networks: Iterable[str] = (), *, loopback: bool = False) -> Allows:
    """Public addresses and those in `networks` (CIDR); with `loopback` this machine's own, too.

    Raises:
        ValueError: a network is none.
    """
    named = [ip_network(network) for network in networks]

    def allows(address: str) -> bool:
        return all(
            _is_public(one) or (loopback and one.is_loopback) or any(one in network for network in named)
            for one in _meant(ip_address(address.partition("%")[0]))
        )

    return allows


def _meant(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, and those that it leads to: IPv6 carries IPv4 in several ways."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    carried = [address.sixtofour, *(address.teredo or ())]
    if address in _TRANSLATED:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address, *(one for one in carried if one is not None)]


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
