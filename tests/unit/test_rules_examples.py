"""Every file in examples/workflows/ loads, against HubSpot's own fields and an account it was written for."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.hubspot import Adapter
from connector.mapping.evaluate import decide
from connector.mapping.rules import RuleFile, Vocabulary, connection_of, load_rules
from connector.mapping.wanted import About, Happened, write_back
from connector.model import CallResult, Catalog, Context, Outcome, Pipeline, RecordRef, Stage, StageEvent

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "workflows"
FILES = sorted(FOLDER.glob("*.yaml"))
LABELS = ("Demo requested", "Proposal sent", "Trial started", "Trial ending", "Qualification")
CATALOG = Catalog(
    (Pipeline("default", "Sales Pipeline", tuple(Stage(f"s{n}", label) for n, label in enumerate(LABELS))),)
)
AGENTS = frozenset({"Onboarding", "Senior Closer", "Lead Qualifier"})


def load(file: Path) -> RuleFile:
    vocabulary = Vocabulary(
        Adapter.objects, Adapter.writable, Adapter.standard_fields, catalog=CATALOG, agents=AGENTS
    )
    return load_rules(file.read_text(), file.name, vocabulary)


def test_there_are_examples_and_the_readme_names_each() -> None:
    readme = (FOLDER / "README.md").read_text()
    assert len(FILES) >= 4
    assert all(f"({file.name})" in readme for file in FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_begins_with_its_schema_and_a_word_to_its_reader(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert lines[0] == "# yaml-language-server: $schema=../../connector/mapping/rules.schema.json"
    assert (FOLDER / "../../connector/mapping/rules.schema.json").exists()
    assert any(line.startswith("# For you if:") for line in lines)
    assert any("Change" in line and line.startswith("#") for line in lines)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_calls_somebody_and_writes_it_back(file: Path) -> None:
    loaded = load(file)
    assert loaded.connection == connection_of(file.read_text(), file.name) == "sales-hubspot"
    record = RecordRef("deal", "9001")
    fields = {
        "deal": {"id": "9001", "amount": "25000", "dealname": "Analytical engine"},
        "contact": {"id": "501", "firstname": "Ada", "lastname": "Lovelace", "phone": "(202) 555-0100"},
    }
    for rule in loaded.rules:
        for word in rule.when.enters:
            stage = f"s{LABELS.index(word)}"
            event = StageEvent("e1", record, stage, datetime(2026, 11, 2, tzinfo=UTC))
            context = Context(record, stage, "default", fields)
            decision = decide(rule, event, context, CATALOG, default_region="US")
            assert decision.request is not None, decision.explanation
            assert decision.request.phone_number == "+12025550100"
            assert decision.request.name
        happened = Happened("ended", event.occurred_at, CallResult("c1", Outcome.ANSWERED))
        assert write_back(rule, happened, About(record, stage, {**fields, "event": {}}))


def test_the_agent_follows_the_amount() -> None:
    (rule,) = load(FOLDER / "agent-by-amount.yaml").rules
    agents = {}
    for amount in ("25000", "24999.99", None):
        fields: dict[str, dict[str, str | None]] = {
            "deal": {"amount": amount},
            "contact": {"phone": "+1 202 555 0100"},
        }
        event = StageEvent("e1", RecordRef("deal", "1"), "s4", datetime(2026, 11, 2, tzinfo=UTC))
        decision = decide(
            rule, event, Context(event.record, "s4", None, fields), CATALOG, default_region="US"
        )
        agents[amount] = decision.request.agent if decision.request else None
    assert agents == {"25000": "Senior Closer", "24999.99": "Lead Qualifier", None: "Lead Qualifier"}
