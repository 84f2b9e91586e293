"""The page at /docs: open to anybody, whole in itself, and its commands work."""

import os
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser

import pytest
import requests

from connector.call_api.deliver import Sender
from connector.call_api.models.events import EVENTS
from connector.call_api.targets import Targets
from connector.call_api.web.blueprint import ROUTES
from connector.call_api.web.docs import render
from connector.call_api.web.openapi import describe, operation_id
from tests.call_api.conftest import KEY, Running, Serve

LOADING = {"src", "srcset", "poster", "data", "action", "formaction", "background", "style", "ping"}
LOADERS = {"script", "link", "img", "iframe", "object", "embed", "base", "form", "video", "audio", "svg"}


class Page(HTMLParser):
    """What the tests want to know of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if "href" in given else []
        self.loaded += [tag] if tag in LOADERS else []
        self.loaded += [f"{tag} {name}" for name in given if name in LOADING or name.startswith("on")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def answer(running: Running) -> requests.Response:
    """What anybody gets, without a key."""
    return requests.get(f"{running.client.url}/docs", timeout=10)


def test_anybody_gets_it(answer: requests.Response) -> None:
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_it_loads_and_runs_nothing(answer: requests.Response) -> None:
    assert Page(answer.text).loaded == []
    assert not re.search(r"url\(|@import|@font-face|javascript:", answer.text)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_its_links_lead_somewhere(answer: requests.Response) -> None:
    page = Page(answer.text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    within = {link for link in page.links if link.startswith("#")}
    assert within == {f"#{name}" for name in page.ids} & within
    assert set(page.links) - within == {"openapi.json", "https://www.standardwebhooks.com"}


def test_it_shows_every_operation_with_all_its_refusals(answer: requests.Response) -> None:
    document = describe(ROUTES, EVENTS)
    for item in document["paths"].values():
        for operation in item.values():
            section = answer.text.split(f'<section id="{operation["operationId"]}">')[1].split("</section>")[
                0
            ]
            codes = re.findall(r"<td>(\d+)</td><td>[^<]*</td><td><code>(\w+)</code>", section)
            assert codes == [
                (status, example["value"]["code"])
                for status, told in operation["responses"].items()
                if status >= "400"
                for example in told["content"]["application/json"]["examples"].values()
            ]


def test_what_a_description_or_an_address_holds_is_text(answer: requests.Response) -> None:
    document = describe(ROUTES, EVENTS)
    document["info"]["description"] += "\n\n<script>alert(1)</script> [x](javascript:alert(1))"
    document["info"]["summary"] = "<b>&"
    page = render(document, "http://x'\"><script>/api/v1")
    assert "<script" not in page
    assert 'href="javascript' not in page
    assert "&lt;b&gt;&amp;" in page


def test_every_command_on_it_works(serve: Serve) -> None:
    """Each is run by a shell as it stands there, in an order in which what they are about exists."""
    shell = shutil.which("sh")
    if shell is None or shutil.which("curl") is None:
        pytest.skip("no shell with curl here")
    keys = [{"name": "tests", "key": KEY, "scopes": ["trigger", "read", "admin"]}]
    # nobody outside is asked where example.com is
    targets = Targets(private=True, resolve=lambda host, seconds: ["127.0.0.1"])
    running = serve(keys=keys, sender=Sender(targets))
    answer = requests.get(f"{running.client.url}/docs", timeout=10)
    setting = answer.text.split("<pre><code>")[1].split("\n")[0]
    assert setting == f"export API={running.client.url}"
    environment = os.environ | {"API": running.client.url, "STAGECALL_API_KEY": str(running.client.key)}
    environment |= made(running)
    asked = [route for route in ROUTES if not route.keyless]
    for route in sorted(asked, key=lambda route: (route.method == "DELETE", route.path.endswith("/cancel"))):
        section = answer.text.split(f'<section id="{operation_id(route)}">')[1]
        command = unescape(section.split("<pre><code>")[1].split("</code>")[0])
        ran = subprocess.run(
            [shell, "-ec", f"{command} -o /dev/null -w '%{{http_code}}'"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert (command, ran.stdout) == (command, str(route.status))


def made(running: Running) -> dict[str, str]:
    """What the paths of the commands are about."""
    client = running.client
    webhook = client.request("POST", "/webhooks", json={"url": "https://example.com/calls"}).json()["id"]
    return {
        "CALL_ID": client.call(),
        "AGENT_ID": client.get("/agents").json()["agents"][0]["id"],
        "WEBHOOK_ID": webhook,
        "DELIVERY_ID": client.request("POST", f"/webhooks/{webhook}/test").json()["delivery_id"],
    }
