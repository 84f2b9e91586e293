"""Where call events may be sent: by spelling, by address, and with no way around what was checked."""

import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import httpcore
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from connector.call_api.line import Line
from connector.call_api.targets import Target, TargetRefused, Targets, look_up, special_kind

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "ssrf" / "urls.jsonl"
PUBLIC = "93.184.216.34"
HOST = "hooks.example.com"


def resolve(host: str, seconds: float) -> Sequence[str]:
    """The names of the corpus, without asking anybody: wildcard names hold their address, others are public."""
    assert seconds > 0
    if host.endswith(".nip.io"):
        return [host.removesuffix(".nip.io")]
    if host == HOST or host.endswith((".example", ".test", "example.com")):
        return [PUBLIC]
    raise OSError("no such host")


def targets(**rules: Any) -> Targets:
    return Targets(**{"resolve": resolve, **rules})


def rows() -> list[dict[str, str]]:
    return [json.loads(line) for line in CORPUS.read_text().splitlines()]


class Forbidden(httpcore.NetworkBackend):
    """A network on which no connection may be opened."""

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.NetworkStream:
        pytest.fail(f"a connection to {host}:{port} was opened")


class Elsewhere(httpcore.NetworkBackend):
    """A network on which every address is this machine, and that remembers which ones were asked for."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[tuple[str, int]] = []

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: Any, **__: Any
    ) -> httpcore.NetworkStream:
        self.asked.append((host, port))
        return httpcore.SyncBackend().connect_tcp("127.0.0.1", self.port, timeout)


@pytest.mark.skipif(not CORPUS.is_file(), reason="shared/ not here")
def test_every_row_is_refused_when_saved(counted: Callable[[str, str], None]) -> None:
    found = rows()
    right = 0
    for row in found:
        urls = [row["url"]]
        if row["expect"] == "deny":  # not for its scheme alone
            urls.append(row["url"].replace("http:", "https:", 1))
        for url in urls:
            if row["expect"] == "deny":
                with pytest.raises(TargetRefused):
                    targets().check(url)
            else:
                targets().check(url)
        right += 1
    counted("ssrf/urls when saved", f"{right} of {len(found)} rows")


@pytest.mark.skipif(not CORPUS.is_file(), reason="shared/ not here")
def test_private_targets_for_development_are_not_everything(counted: Callable[[str, str], None]) -> None:
    """With the switch: loopback and private networks, but no odd spelling, and nothing of clouds and routers."""
    allowed = []
    for row in rows():
        try:
            targets(private=True).check(row["url"])
        except TargetRefused:
            continue
        if row["expect"] == "deny":
            allowed.append(row["why"])
    harmless = ("loopback", "private", "carrier NAT", "unique local", "scheme, port or shape")
    assert [why for why in allowed if not why.startswith(harmless)] == []
    assert "loopback" in allowed
    counted("ssrf/urls with the development switch", f"{len(allowed)} of the deny rows are allowed")


def test_public_targets_pass() -> None:
    for url in (
        "https://example.com",
        "https://EXAMPLE.com:8443/calls?zap=1&x=%2F",
        "https://bücher.example/hook",
        "https://93.184.216.34/calls",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/calls",
        "https://my_hook.example.com/",
    ):
        targets().check(url)


def test_a_url_is_taken_apart_once() -> None:
    assert targets().read("https://Bücher.example?a=b") == Target(
        "https", "xn--bcher-kva.example", 443, "/?a=b"
    )
    assert targets().read("https://example.com:8443/a").authority == "example.com:8443"
    assert targets().read("https://[2606:2800::1]:8443/a").authority == "[2606:2800::1]:8443"
    assert targets().read("https://[2606:2800::1]/a").authority == "[2606:2800::1]"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://example.com/", "only https://"),
        ("https://example.com:80/", "possible: 443 and 8443"),
        ("https://example.com/#a", "fragment"),
        ("https://a:b@example.com/", "user name"),
        ("https://example.com./", "no dot at the end"),
        ("https://0x7f.1/", "four numbers"),
        ("https://exämple.com/ä", "percent-encoded"),
        ("https://example.com/%zz", "percent-encoded"),
        ("https://intranet/", "inner network"),
        ("https://127.0.0.1/", "not public (loopback)"),
        ("https://10.0.0.1.nip.io/", "not public (a private network)"),
        ("https://nobody.invalid/", "no address is found"),
        ("https://example.com/" + "a" * 3000, "2048 are possible"),
        ("https://" + "a" * 64 + ".example.com/", "not a host name"),
        ("https://" + "ä" * 64 + ".example.com/", "not a host name"),
        ("https://example.com:99999/", "not a port"),
    ],
)
def test_a_refusal_says_why(url: str, says: str) -> None:
    with pytest.raises(TargetRefused, match=r".*") as refused:
        targets().check(url)
    assert says in str(refused.value)


def test_one_bad_address_of_many_is_enough() -> None:
    def both(host: str, seconds: float) -> Sequence[str]:
        return [PUBLIC, "10.0.0.1"]

    with pytest.raises(TargetRefused, match="private network"):
        targets(resolve=both).check("https://example.com/")


def test_other_ports_by_setting() -> None:
    targets(ports=(443, 9443)).check("https://example.com:9443/")
    with pytest.raises(TargetRefused, match="443 and 9443"):
        targets(ports=(443, 9443)).check("https://example.com:8443/")


@given(st.ip_addresses())
def test_what_passes_is_global(address: IPv4Address | IPv6Address) -> None:
    """Python's own reading of the registries never says otherwise."""
    if special_kind(address) is None:
        assert address.is_global
        assert not address.is_multicast


@pytest.mark.parametrize("network", [*(f"{n}.0.0.0/8" for n in (0, 10, 127, 224, 255)), "fc00::/7", "::/8"])
def test_the_edges_of_networks_are_refused(network: str) -> None:
    found = ipaddress.ip_network(network)
    for address in (found[0], found[1], found[-2], found[-1]):
        assert special_kind(address) is not None


def test_an_address_with_a_scope_is_refused() -> None:
    assert special_kind(IPv6Address("2606:2800::1%eth0")) == "link-local"


def test_a_name_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answered.wait(20) and [])
    with pytest.raises(TimeoutError, match="took too long"):
        look_up("slow.example.com", 0.05)
    answered.set()


def test_a_name_is_looked_up_by_the_system() -> None:
    assert set(look_up("localhost", 5)) & {"127.0.0.1", "::1"}


class Secure:
    """An https server on loopback with a certificate for HOST, and who asked for what."""

    def __init__(self, name: str = HOST) -> None:
        authority = trustme.CA()
        self.context = ssl.create_default_context()
        authority.configure_trust(self.context)
        self.hosts: list[str | None] = []
        self.names: list[str | None] = []
        server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(server_context)
        server_context.sni_callback = lambda _socket, asked, _context: self.names.append(asked)
        secure = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                secure.hosts.append(self.headers["Host"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = server_context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def secure() -> Iterator[Secure]:
    with closing(Secure()) as server:
        yield server


def post(line: Line, rules: Targets, url: str) -> tuple[int | None, str | None]:
    with line:
        answer = line.post(rules.read(url), {"Content-Type": "application/json"}, b"{}")
    return answer.status, answer.error


def test_the_connection_goes_to_the_checked_address_with_the_names_certificate(secure: Secure) -> None:
    network = Elsewhere(secure.server.server_port)
    rules = targets()
    line = Line(rules, secure.context, seconds=5, network=network)
    assert post(line, rules, f"https://{HOST}/calls") == (204, None)
    assert network.asked == [(PUBLIC, 443)]  # the address, never the name
    assert (secure.names, secure.hosts) == ([HOST], [HOST])


def test_a_certificate_of_another_name_is_refused() -> None:
    with closing(Secure("other.example.com")) as other:
        rules = targets()
        line = Line(rules, other.context, seconds=5, network=Elsewhere(other.server.server_port))
        status, error = post(line, rules, f"https://{HOST}/calls")
        assert status is None
        assert error is not None
        assert "certificate" in error
        assert other.hosts == []


def test_a_name_that_changes_between_check_and_connection_wins_nothing(secure: Secure) -> None:
    """Each look-up is judged, and a connection uses the very addresses of its own look-up."""
    answers: Iterable[Sequence[str]] = iter([[PUBLIC], ["169.254.169.254"], [PUBLIC]])
    rules = targets(resolve=lambda _host, _seconds: next(iter(answers)))
    network = Elsewhere(secure.server.server_port)
    rules.check(f"https://{HOST}/calls")  # saved: public
    line = Line(rules, secure.context, seconds=5, network=network)
    status, error = post(line, rules, f"https://{HOST}/calls")  # then the name leads inside
    assert status is None
    assert error == (
        f"not sent: {HOST} leads to an address that is not public "
        "(link-local, where clouds keep their metadata); name a server on the internet"
    )
    assert network.asked == []
    assert post(Line(rules, secure.context, seconds=5, network=network), rules, f"https://{HOST}/calls") == (
        204,
        None,
    )
    assert network.asked == [(PUBLIC, 443)]


def test_a_second_address_is_tried_when_the_first_does_not_answer(secure: Secure) -> None:
    class HalfDead(Elsewhere):
        def connect_tcp(
            self, host: str, port: int, timeout: float | None = None, *_: Any, **__: Any
        ) -> httpcore.NetworkStream:
            if host == PUBLIC:
                raise httpcore.ConnectError("unreachable")
            return super().connect_tcp(host, port, timeout)

    rules = targets(resolve=lambda _host, _seconds: [PUBLIC, "93.184.216.35"])
    network = HalfDead(secure.server.server_port)
    line = Line(rules, secure.context, seconds=5, network=network)
    assert post(line, rules, f"https://{HOST}/calls") == (204, None)
    assert network.asked == [("93.184.216.35", 443)]
