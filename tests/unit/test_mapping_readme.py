"""What connector/mapping/README.md says is so."""

import re
from pathlib import Path

import pytest

from connector.errors import ConfigError
from connector.mapping.filters import FILTERS
from connector.mapping.rules import Vocabulary, load_rules, schema
from connector.mapping.vocabulary import CALL_FIELDS, EVENT_FIELDS
from connector.model import Catalog, Pipeline, Stage

README = (Path(__file__).resolve().parents[2] / "connector" / "mapping" / "README.md").read_text()
CATALOG = Catalog(
    (
        Pipeline(
            "d",
            "Sales Pipeline",
            (Stage("1", "Closed won"), Stage("2", "Demo requested"), Stage("3", "Qualified")),
        ),
    )
)
VOCABULARY = Vocabulary(("deal", "contact", "company"), ("deal",), catalog=CATALOG)
MISTAKEN = """\
version: 1
connection: sales-hubspot
rules:
  - name: Call people who ask for a demo
    when:
      pipeline: Sales Pipeline
      enters: Demo requestd
      if: deals.amount >= 1000
    call:
      phone_number: "{{ contact.phone | digit }}"
    policy: {cool_down: 3 days}
"""


def test_the_example_loads() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert load_rules(example, "README.md", VOCABULARY).rules


def test_mistakes_look_as_shown() -> None:
    (shown,) = re.findall(r"```\n(rules\.yaml.*?)\n```", README, re.DOTALL)
    with pytest.raises(ConfigError) as caught:
        load_rules(MISTAKEN, "rules.yaml", VOCABULARY)
    assert str(caught.value) == shown


def test_every_filter_is_in_the_table() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (.*?) \|$", README, re.MULTILINE)
    assert [(each.usage, each.about) for each in FILTERS.values()] == [row for row in rows if row[0] in {
        each.usage for each in FILTERS.values()
    }]  # fmt: skip


def test_every_key_and_value_is_named() -> None:
    keys = {
        *schema()["properties"],
        *(key for part in schema()["$defs"].values() for key in part.get("properties", {})),
    }
    assert all(re.search(rf"\b{key}\b", README) for key in keys)
    assert all(re.search(rf"\b{name}\b", README) for name in CALL_FIELDS | EVENT_FIELDS)
