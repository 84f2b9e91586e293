"""What HighLevel's deliveries mean, beyond the recorded ones; and the id of a stage that comes by its name."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.ghl.events import parse
from connector.errors import MalformedDelivery
from connector.mapping.evaluate import situation
from connector.model import Catalog, Context, News, Pipeline, RecordRef, Request, Source, Stage, StageEvent

NOW = datetime(2026, 11, 20, 15, 0, 12, tzinfo=UTC)
OPPORTUNITY = RecordRef("opportunity", "o1")
CATALOG = Catalog(
    (
        Pipeline("p1", "Sales", (Stage("s1", "New"), Stage("s2", "AI Call"))),
        Pipeline("p2", "Renewals", (Stage("s3", "AI Call"), Stage("s4", "AI Call"))),
    )
)


def news(**body: Any) -> News:
    return parse(Request("POST", "https://x.example.com/h", {}, json.dumps(body).encode(), NOW))


def workflow(**body: Any) -> StageEvent:
    (event,) = news(contact_id="c1", id="o1", **{"pipeline_id": "p1", "workflow": {"id": "w"}, **body}).events
    return event


def entered(event: StageEvent, stage: str, pipeline: str) -> str | None:
    return situation(event, Context(OPPORTUNITY, stage, pipeline, {"contact": {}}), CATALOG).event.stage


def test_a_stage_update_without_its_stage_is_told_and_is_no_event() -> None:
    found = news(type="OpportunityStageUpdate", locationId="l", id="o1", timestamp="2026-11-20T15:00:11Z")
    assert (found.events, found.malformed) == ((), ("pipelineStageId is not text but nothing",))


def test_the_same_change_has_the_same_id_with_a_webhook_id_and_without() -> None:
    said = {"type": "OpportunityStageUpdate", "locationId": "l", "id": "o1", "pipelineStageId": "s1"}
    at = {"timestamp": "2026-11-20T15:00:11Z"}
    assert news(**said, **at).events[0].id == news(**said, **at, name="renamed").events[0].id
    assert news(**said, timestamp="2026-11-20T15:00:12Z").events[0].id != news(**said, **at).events[0].id
    assert news(**said, **at, webhookId="w1").events[0].id == "w1"


def test_our_own_write_back_is_never_an_event() -> None:
    said = {"locationId": "l", "id": "o1", "pipelineStageId": "s1", "timestamp": "2026-11-20T15:00:11Z"}
    assert news(type="OpportunityUpdate", **said) == News(ignored={"OpportunityUpdate": 1})


@pytest.mark.parametrize("key", ["pipleline_stage", "pipeline_stage"])
def test_a_stage_by_its_name_is_the_one_of_its_pipeline(key: str) -> None:
    event = workflow(**{key: "AI Call"})
    assert (event.stage, event.stage_label, event.changed_by) == (None, "AI Call", Source.WORKFLOW)
    assert entered(event, "s1", "p1") == "s2"


def test_of_two_stages_of_one_name_it_is_the_one_where_the_opportunity_stands() -> None:
    event = workflow(pipleline_stage="ai call", pipeline_id="p2")
    assert entered(event, "s4", "p2") == "s4"
    assert entered(event, "s9", "p2") == "s3"


def test_a_name_that_no_stage_has_is_not_the_stage_where_the_opportunity_stands() -> None:
    here = situation(
        workflow(pipleline_stage="Renamed"), Context(OPPORTUNITY, "s1", "p1", {"contact": {}}), CATALOG
    )
    assert here.event.stage == "Renamed"
    assert here.moved_on is not None
    assert here.moved_on.sentence == 'opportunity o1 entered "Renamed" and stands in "New" now'


def test_a_workflow_that_names_no_stage_asks_for_the_one_where_the_opportunity_stands() -> None:
    (event,) = news(opportunity_id="o1", contact_id="c1").events
    assert entered(event, "s2", "p1") == "s2"


def test_custom_data_is_read_by_rules_and_says_the_stage() -> None:
    event = workflow(
        customData={"agent": "Demo caller", "n": 3, "nested": {"a": 1}, "pipeline_stage_id": "s2"}
    )
    assert event.stage == "s2"
    here = situation(event, Context(OPPORTUNITY, "s2", "p1", {"contact": {"id": "c1"}}), CATALOG)
    assert here.values["custom"] == {"agent": "Demo caller", "n": 3, "pipeline_stage_id": "s2"}
    assert here.values["contact"] == {"id": "c1"}


@pytest.mark.parametrize(
    ("custom", "told"),
    [
        ({"agent": "{{ x }}"}, "did not fill in"),
        ({"opportunity_id": "{{opportunity.id}}"}, "did not fill in"),
        ([1], "customData is not an object but an array"),
        ({str(number): "x" for number in range(101)}, "101 values"),
    ],
)
def test_custom_data_that_cannot_be_meant_makes_no_call(custom: Any, told: str) -> None:
    found = news(contact_id="c1", id="o1", pipeline_id="p1", workflow={}, customData=custom)
    assert found.events == ()
    assert told in found.malformed[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "type",
        "locationId",
        "id",
        "pipelineStageId",
        "pipelineId",
        "timestamp",
        "webhookId",
        "contact_id",
        "workflow",
        "customData",
        "location",
        "opportunity_id",
        "pipeline_id",
        "pipleline_stage",
        "pipeline_stage_id",
        "meta",
        "extras",
        "data",
    ]
)
NAMES = st.sampled_from(["OpportunityStageUpdate", "OpportunityCreate", "2026-11-20T15:00:11Z"])


@settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # the first text costs seconds on a busy machine
@given(st.dictionaries(KEYS, JSON | NAMES, max_size=10))
def test_no_body_makes_anything_but_news_or_a_malformed_delivery(body: dict[str, Any]) -> None:
    try:
        found = news(**body)
    except MalformedDelivery:
        return
    assert len(found.events) + len(found.malformed) + len(found.ignored) + len(found.unknown) == 1
    assert all(event.occurred_at.tzinfo for event in found.events)
