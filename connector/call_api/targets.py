"""Where call events may be sent: judged by the spelling of a URL, then by every address its name has.

A person gives us the URL, and we open a connection from inside the operator's network: so the judge is
strict. What has an odd spelling is refused rather than understood, and an address passes only if no
registry of special addresses names it. Pure, but for `look_up`.
"""

import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import idna

HTTPS_PORTS = (443, 8443)
MAX_URL = 2048
LONGEST_LOOK_UP = 5.0
"""Seconds for the addresses of a name."""

# RFC 3986, but no # and no \, and % only before two hex digits
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>\[[^\[\]/?#@]*\]|[^\[\]/?#@:]+)(?::(?P<port>[0-9]*))?"
    r"(?P<path>(?:/(?:[A-Za-z0-9._~:/\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:\?(?:[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?)"
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_INNER_NAMES = frozenset(
    [
        *("localhost", "local", "localdomain", "internal", "intranet", "private"),
        *("corp", "home", "lan", "arpa", "onion", "svc", "cluster"),
    ]
)
"""Last labels that never name a public server: RFC 6761, RFC 6762, RFC 7686, RFC 8375, and common use."""

# The IANA IPv4 and IPv6 special-purpose address registries, multicast, and what clouds use for themselves.
_SPECIAL_V4 = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "a private network",
    "100.64.0.0/10": "a provider's inner network",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "a cloud's metadata service",
    "169.254.0.0/16": "link-local, where clouds keep their metadata",
    "172.16.0.0/12": "a private network",
    "192.0.0.0/24": "kept for protocols",
    "192.0.2.0/24": "documentation",
    "192.31.196.0/24": "AS112",
    "192.52.193.0/24": "AMT",
    "192.88.99.0/24": "6to4 relays",
    "192.168.0.0/16": "a private network",
    "192.175.48.0/24": "AS112",
    "198.18.0.0/15": "benchmarks",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
_SPECIAL_V6 = {
    "::1/128": "loopback",
    "::ffff:0:0/96": "IPv4 in IPv6",
    "::/96": "IPv4 in IPv6",
    "64:ff9b::/96": "NAT64",
    "64:ff9b:1::/48": "NAT64",
    "2001::/23": "kept for protocols",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "2620:4f:8000::/48": "AS112",
    "3fff::/20": "documentation",
    "fd00:ec2::/32": "a cloud's metadata service",
    "fc00::/7": "a private network",
    "fe80::/10": "link-local",
    "ff00::/8": "multicast",
}
_PUBLIC_V6 = IPv6Network("2000::/3")  # the rest of IPv6 is given to nobody
_DEVELOPMENT = ("loopback", "a private network", "a provider's inner network")
"""What `allow_private_webhook_targets` lets through; never what clouds and routers use for themselves."""

_V4 = tuple((IPv4Network(network), kind) for network, kind in _SPECIAL_V4.items())
_V6 = tuple((IPv6Network(network), kind) for network, kind in _SPECIAL_V6.items())

Resolve = Callable[[str, float], Sequence[str]]
"""The addresses of a name, within some seconds. Raises OSError where there are none."""


class TargetRefused(Exception):
    """Events may not be sent there; the text says why, and what is possible."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL, taken apart once: nobody parses it a second time and sees something else."""

    scheme: str
    host: str
    """In ASCII and small letters; an IPv6 address without its brackets."""
    port: int
    path: str
    """With the query, as it is sent."""

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"https": 443, "http": 80}[self.scheme] else f"{host}:{self.port}"


def look_up(host: str, seconds: float) -> Sequence[str]:
    """Every address of a name, as the system knows it. Raises OSError; also when it takes too long.

    The system's resolver cannot be interrupted: it is left behind on a thread of its own.
    """
    found: list[str] = []
    failed: list[OSError] = []

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(row[4][0]) for row in rows))
        except OSError as error:
            failed.append(error)
        except UnicodeError as error:
            failed.append(OSError(str(error)))

    thread = threading.Thread(target=ask, name="look-up", daemon=True)
    thread.start()
    thread.join(max(0.0, seconds))
    if thread.is_alive():
        raise TimeoutError(f"looking up {host} took too long")
    if failed:
        raise failed[0]
    return found


@dataclass(frozen=True, slots=True)
class Targets:
    """The rules for where events may be sent."""

    ports: tuple[int, ...] = HTTPS_PORTS
    private: bool = False
    """For development: http, any port, loopback and private networks are allowed."""
    anywhere: bool = False
    """For our own program, whose address the operator gave: only the spelling is judged."""
    resolve: Resolve = look_up

    def read(self, url: str) -> Target:
        """Judge a URL by its spelling. Raises TargetRefused."""
        target = _take_apart(url)
        if self.anywhere:
            return target
        if target.scheme != "https" and not self.private:
            raise TargetRefused(f"the URL begins with {target.scheme}://; only https:// is possible")
        if target.port not in self.ports and not self.private:
            possible = " and ".join(map(str, self.ports))
            raise TargetRefused(f"the URL names the port {target.port}; possible: {possible}")
        if _address(target.host) is not None:
            self.addresses(target.host, LONGEST_LOOK_UP)
        elif not self.private:
            _check_name(target.host)
        return target

    def addresses(self, host: str, seconds: float) -> tuple[str, ...]:
        """The addresses of a host, found once, each of them allowed.

        Raises TargetRefused where one is not, or where there are none.
        """
        literal = _address(host)
        try:
            texts = [str(literal)] if literal is not None else self.resolve(host, seconds)
            found = [ipaddress.ip_address(text) for text in texts]
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise TargetRefused(f"no address is found for {host} ({why}); is the name right?") from None
        if not found:
            raise TargetRefused(f"no address is found for {host}; is the name right?")
        for address in found:
            self._check(host, address)
        return tuple(str(address) for address in found)

    def check(self, url: str) -> None:
        """Judge a URL by its spelling and by the addresses its name has now. Raises TargetRefused."""
        self.addresses(self.read(url).host, LONGEST_LOOK_UP)

    def _check(self, host: str, address: IPv4Address | IPv6Address) -> None:
        kind = special_kind(address)
        if kind is None or self.anywhere or (self.private and kind in _DEVELOPMENT):
            return
        raise TargetRefused(
            f"{host} leads to an address that is not public ({kind}); name a server on the internet"
        )


def special_kind(address: IPv4Address | IPv6Address) -> str | None:
    """What an address is set aside for; None for one of the public internet."""
    if isinstance(address, IPv4Address):
        return next((kind for network, kind in _V4 if address in network), None)
    if address.scope_id is not None:
        return "link-local"
    kind = next((kind for network, kind in _V6 if address in network), None)
    return kind or (None if address in _PUBLIC_V6 else "reserved")


def _take_apart(url: str) -> Target:
    if len(url) > MAX_URL:
        raise TargetRefused(f"the URL has {len(url)} characters; {MAX_URL} are possible")
    if "#" in url:
        raise TargetRefused("the URL holds a fragment (#...), which is never sent; leave it out")
    found = _URL.fullmatch(url)
    scheme = found["scheme"].lower() if found else ""
    if found is None or scheme not in ("https", "http"):
        raise TargetRefused(
            "this is not a URL that events can be sent to; write it as https://example.com/calls, "
            "without a user name or password, other characters percent-encoded"
        )
    host = _host(found["host"])
    port = int(found["port"]) if found["port"] else {"https": 443, "http": 80}[scheme]
    if not 1 <= port <= 65535:
        raise TargetRefused(f"{port} is not a port")
    path = found["path"]
    return Target(scheme, host, port, path if path.startswith("/") else f"/{path}")


def _host(text: str) -> str:
    """The host in the one spelling we use: in ASCII, in small letters."""
    if text.startswith("["):
        try:
            address = IPv6Address(text[1:-1])
        except ValueError:
            address = None
        if address is None or address.scope_id is not None:
            raise TargetRefused(f"{text} is not an IPv6 address")
        return str(address)
    host = text.lower() if text.isascii() else _to_ascii(text)
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise TargetRefused(f"{text[:100]!r} is not a host name (no dot at the end, nothing encoded)")
    if _NUMBER.fullmatch(labels[-1]) and (_address(host) is None or host != text):
        raise TargetRefused(f"{text[:100]!r} is an odd way to write an address; write four numbers")
    return host


def _to_ascii(text: str) -> str:
    try:
        return idna.encode(text, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise TargetRefused(f"{text[:100]!r} is not a host name") from None


def _check_name(host: str) -> None:
    last = host.rpartition(".")[2]
    if "." not in host or last in _INNER_NAMES:
        raise TargetRefused(f"{host} is a name of an inner network; name a server on the internet")


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
