"""Every file of examples/workflows/ as its reader uses it: check against the account, preview of a live record, the
whole flow to what stands in the CRM afterwards. A new file needs a story here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from adapters.ghl.sandbox import Sandbox as HighLevel
from adapters.ghl.sandbox.account import ACCESS_TOKEN as GHL_TOKEN
from adapters.ghl.sandbox.account import LOCATION_ID, PUBLIC_KEY, WEBHOOK_SECRET
from connector.call_api.agents import ensure_agent
from connector.cli import main
from tests.flow.conftest import API_KEY, Start, World
from tests.flow.conftest import WEBHOOK_SECRET as CALLS_SECRET

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "workflows"
FILES = {file.stem: file for file in sorted(FOLDER.glob("*.yaml"))}
MONDAY_TEN = "2026-12-07T10:00-05:00"
"""In Washington, where the number 202 555 0147 is."""
ADA = {
    "firstname": "Ada",
    "lastname": "Lovelace",
    "email": "ada@example.com",
    "mobilephone": "(202) 555-0147",
}
AGENTS = ("Senior Closer", "Onboarding", "Account Manager", "English agent", "German agent", "French agent")


@dataclass(frozen=True)
class Story:
    """What an example is shown, and what must come of it."""

    stage: str = "Demo requested"
    before: str = "Appointment Scheduled"
    deal: Mapping[str, str] = field(default_factory=dict)
    contact: Mapping[str, str] = field(default_factory=lambda: ADA)
    company: Mapping[str, str] = field(default_factory=dict)
    at: str = MONDAY_TEN
    opens_at: str | None = None
    """When a call that has to wait may be placed."""
    previewed: str = "calls +12025550147"
    number: str | None = "+12025550147"
    """None: nobody is called."""
    agent: str = "Lead Qualifier"
    told: Mapping[str, Any] = field(default_factory=dict)
    """Metadata of the call, beside the ids."""
    meanwhile: Mapping[str, str] = field(default_factory=dict)
    """On the deal while the call waits."""
    stands: Mapping[str, str] = field(default_factory=lambda: {"ai_call_outcome": "answered"})
    """On the deal afterwards."""
    notes: tuple[str, ...] = ()
    """How the notes on its timeline begin."""


STORIES = {
    "call-demo-requests": [
        Story(
            deal={"amount": "4800"},
            told={"amount": 4800},
            stands={"ai_call_status": "ended", "ai_call_outcome": "answered", "ai_call_duration": "2"},
        ),
        Story(
            contact={**ADA, "mobilephone": "+12025550191"},
            previewed="calls +12025550191",
            number="+12025550191",
            stands={"ai_call_status": "ended", "ai_call_outcome": "no_answer"},
        ),
    ],
    "two-pipelines-two-agents": [
        Story(told={"pipeline": "Sales Pipeline"}, stands={"ai_call_agent": "Lead Qualifier"}),
        Story(
            stage="Renewal due",
            before="Renewed",
            deal={"pipeline": "727164920", "closedate": "2026-12-24"},
            contact={"firstname": "Ada"},
            company={"name": "Analytical Engines", "phone": "202-555-0148"},
            previewed="calls +12025550148",
            number="+12025550148",
            agent="Account Manager",
            told={"company": "Analytical Engines", "renews_on": "24 December 2026"},
            stands={"ai_call_agent": "Account Manager"},
        ),
    ],
    "agent-by-owner": [
        Story(
            deal={"hubspot_owner_id": "71", "closedate": "2026-12-24T00:00:00Z"},
            agent="Senior Closer",
            told={"closes_on": "Thursday, 24 December 2026"},
            stands={"ai_call_agent": "Senior Closer"},
        ),
        Story(deal={"hubspot_owner_id": "99"}, stands={"ai_call_agent": "Lead Qualifier"}),
    ],
    "agent-by-amount": [
        Story(
            stage="Qualification",
            deal={"amount": "25000"},
            agent="Senior Closer",
            told={"large": True},
            stands={"ai_call_status": "ended", "ai_call_agent": "Senior Closer"},
        ),
        Story(stage="Qualification", deal={"amount": "24999"}, told={"large": False}),
    ],
    "agent-by-country-and-language": [
        Story(
            contact={**ADA, "hs_language": "en-us", "hs_country_region_code": "US"},
            agent="English agent",
            told={"language": "en-us"},
        ),
        Story(
            contact={
                "firstname": "Grace",
                "phone": "020 7946 0123",
                "hs_language": "de",
                "hs_country_region_code": "GB",
            },
            previewed="calls +442079460123",
            number="+442079460123",
            agent="German agent",
        ),
        Story(
            contact={**ADA, "hs_country_region_code": "BR"},
            previewed="no call: the condition of the rule is false",
            number=None,
            stands={},
        ),
        Story(
            contact={**ADA, "hs_language": "ja", "hs_country_region_code": "US"},
            previewed="no call: agent is given",
            number=None,
            stands={},
        ),
    ],
    "high-value-deals-only": [
        Story(
            stage="Proposal sent",
            deal={"amount": "12000", "dealname": "Engine"},
            told={"deal_name": "Engine", "amount": 12000, "spoken_amount": "12000 USD"},
        ),
        Story(
            stage="Proposal sent",
            deal={"amount": "9999"},
            previewed='deal.amount is "9999"',
            number=None,
            stands={},
        ),
    ],
    "re-engage-lost-deals": [
        Story(
            stage="Win back",
            deal={"closed_lost_reason": "Price"},
            told={"lost_because": "Price"},
        ),
        Story(
            stage="Win back",
            deal={"closed_lost_reason": "Asked not to be called"},
            previewed="no call",
            number=None,
            stands={"ai_call_status": "not called: the condition of the rule is false"},
        ),
    ],
    "appointment-reminder": [
        Story(
            stage="Appointment tomorrow",
            deal={"appointment_at": "2026-12-08T19:30:00Z"},
            agent="Appointment Reminder",
            told={"appointment": "Tuesday, 8 December, 2:30 PM"},
            notes=("Reminder call: answered.",),
        ),
        Story(
            stage="Appointment tomorrow",
            deal={"appointment_at": "2026-12-08T19:30:00Z"},
            contact={"firstname": "Ada", "phone": "ask her"},
            previewed="no call yet",
            number=None,
            stands={},
            notes=("No reminder call: ",),
        ),
    ],
    "night-leads-in-the-morning": [
        Story(
            contact={**ADA, "hs_timezone": "america_slash_los_angeles"},
            at="2026-12-07T23:30-05:00",
            opens_at="2026-12-08T09:00-08:00",
            previewed="holds the call to +12025550147: it is Mon 20:30 in America/Los_Angeles (by the CRM)",
            meanwhile={"ai_call_status": "waiting: it is Mon 20:30 in America/Los_Angeles"},
        )
    ],
    "move-the-stage-by-outcome": [
        Story(stands={"dealstage": "Qualified", "ai_call_outcome": "answered"}),
        Story(
            contact={**ADA, "mobilephone": "+12025550193"},
            previewed="calls +12025550193",
            number="+12025550193",
            stands={"dealstage": "Call back", "ai_call_outcome": "voicemail"},
        ),
    ],
    "not-for-imports": [
        Story(stage="Proposal sent", deal={"amount": "10000"}, agent="Senior Closer"),
        Story(stage="Proposal sent", deal={"amount": "10"}),
    ],
    "two-stages-one-rule": [
        Story(
            stage="Trial ending",
            agent="Onboarding",
            told={"stage": "Trial ending", "topic": "how the trial went"},
            stands={"ai_call_status": "answered"},
        ),
        Story(
            stage="Trial started",
            agent="Onboarding",
            told={"topic": "welcome"},
            stands={"ai_call_status": "answered"},
        ),
    ],
    "dry-run": [Story(previewed="dry run", number=None, stands={})],
}
HIGHLEVEL = {"ghl-opportunity", "ghl-workflow-with-custom-data"}


@pytest.fixture
def office(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., "Office"]:
    def open_(example: str, **how: str) -> Office:
        world = start(rules=FILES[example].read_text(), **how)
        monkeypatch.setenv("STAGECALL_DATABASE_URL", world.database_url)
        return Office(world, FILES[example], tmp_path)

    return open_


class Office:
    """A Stagecall with one example in force, and the desk of the person who put it there."""

    def __init__(self, world: World, example: Path, folder: Path) -> None:
        self.world, self.example = world, example
        with self.world.parts.engine.begin() as conn:
            for name in (*AGENTS, "Appointment Reminder"):
                ensure_agent(
                    conn, {"name": name, "phone_number": "+12025550101"}, now=self.world.parts.clock()
                )
        self.config = folder / "desk.yaml"
        self.config.write_text(
            f"public_url: {world.url}\nconnections: {{{world.connections}}}\nrules: [{example}]\n"
            f"calls: {{api_url: '{world.url}', api_key: {API_KEY}, webhook_secret: {CALLS_SECRET}}}\n"
        )

    def run(self, *arguments: str) -> str:
        """Run the command as it is typed."""
        done = CliRunner().invoke(main, [*arguments, "--config", str(self.config)])
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    def checked(self) -> None:
        said = self.run("check", "--live")
        assert f"{self.example}: " in said
        assert "no mistakes" in said
        assert "warning" not in said
        assert "not compared" not in said

    def previewed(self, record: str) -> str:
        """What preview says of a live record at this moment; it has changed nothing."""
        before = self.world.dispatches()
        said = self.run(
            "preview", str(self.example), "--live", record, "--at", self.world.clock().isoformat()
        )
        assert said.endswith("nothing was sent or written\n")
        assert self.world.dispatches() == before
        return said

    def finish(self, idle: Callable[[], bool]) -> None:
        """Let calls be placed, ring and end, and what follows be written."""
        for seconds in (0, 2, 20, 70, 310):
            self.world.clock.advance(seconds=seconds)
            assert idle()
            self.world.work()
            assert idle()
            self.world.work()


def stories() -> Iterator[Any]:
    for name, told in STORIES.items():
        for number, story in enumerate(told, 1):
            yield pytest.param(name, story, id=f"{name}-{number}")


def test_every_example_has_its_story() -> None:
    assert len(FILES) >= 12
    assert {*STORIES, *HIGHLEVEL} == set(FILES)


@pytest.mark.parametrize(("name", "story"), [*stories()])
def test_an_example_does_what_it_says(name: str, story: Story, office: Callable[..., Office]) -> None:
    desk = office(name, name="sales-hubspot")
    world = desk.world
    hubspot = world.hubspot
    desk.checked()
    world.clock.show(story.at)
    ada = hubspot.create_contact(**story.contact)
    deal = hubspot.create_deal(story.before, [ada], announce=False, **story.deal)
    if story.company:
        hubspot.create_company(deal, **story.company)
    hubspot.move_deal(deal, story.stage)
    said = desk.previewed(deal)
    assert story.previewed in said, said
    desk.finish(hubspot.wait_idle)
    if story.opens_at:
        assert world.calls() == []
        assert story.meanwhile.items() <= _begins(hubspot.deal(deal), story.meanwhile).items()
        world.clock.show(story.opens_at)
        desk.finish(hubspot.wait_idle)
    _called(world, story)
    stands = hubspot.deal(deal)
    stands["dealstage"] = next(
        stage.label
        for each in hubspot.state.pipelines
        for stage in each.stages
        if stage.id == stands["dealstage"]
    )
    assert _begins(stands, story.stands) == story.stands
    notes = [each["hs_note_body"] for each in hubspot.timeline("notes", deal)]
    assert len(notes) == len(story.notes)
    for note, begins in zip(notes, story.notes, strict=True):
        assert begins in note
    for dispatch in world.dispatches():
        assert {each["state"] for each in dispatch["write_backs"]} <= {"written"}, dispatch["write_backs"]


def _called(world: World, story: Story) -> None:
    calls = world.calls()
    if story.number is None:
        assert calls == []
        return
    (call,) = calls
    assert (call["to_number"], call["agent_name"]) == (story.number, story.agent)
    assert story.told.items() <= call["metadata"].items()


def _begins(found: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """What is found under these names, cut to the length of what is wanted."""
    return {name: found.get(name, "")[: len(text)] for name, text in wanted.items()}


def test_the_example_for_imports_calls_nobody_because_of_one(office: Callable[..., Office]) -> None:
    world = office("not-for-imports", name="sales-hubspot").world
    world.clock.show(MONDAY_TEN)
    deals = world.hubspot.create_deals(3, deal={"amount": "20000"})
    for deal, source in zip(deals, ("IMPORT", "CRM_UI_BULK_ACTION", "CRM_UI"), strict=True):
        world.hubspot.move_deal(deal, "Proposal sent", source)
    world.work()
    assert [call["metadata"]["deal_id"] for call in world.calls()] == [deals[2]]


def test_the_example_for_lost_deals_leaves_alone_whom_it_called_lately(office: Callable[..., Office]) -> None:
    desk = office("re-engage-lost-deals", name="sales-hubspot")
    world, hubspot = desk.world, desk.world.hubspot
    world.clock.show(MONDAY_TEN)
    ada = hubspot.create_contact(**ADA)
    first, second, third = (hubspot.create_deal(contacts=[ada], announce=False) for _ in range(3))
    for deal, days, calls in ((first, 0, 1), (second, 28, 1), (third, 35, 2)):
        world.clock.advance(days=days)
        hubspot.move_deal(deal, "Win back")
        desk.finish(hubspot.wait_idle)
        assert len(world.calls()) == calls
    assert "was called" in hubspot.deal(second)["ai_call_status"]


@pytest.fixture
def highlevel() -> Iterator[HighLevel]:
    with HighLevel(retry_delays=(0.05,) * 3) as sandbox:
        yield sandbox


def at_highlevel(office: Callable[..., Office], example: str, highlevel: HighLevel) -> Office:
    """The example in force for a location of HighLevel, at an hour when people may be called."""
    key = "\\n".join(PUBLIC_KEY.splitlines())
    desk = office(
        example,
        connections=(
            f"sales-ghl: {{adapter: ghl, access_token: {GHL_TOKEN}, location_id: {LOCATION_ID},"
            f' webhook_secret: {WEBHOOK_SECRET}, api_url: "{highlevel.url}", public_keys: "{key}"}}'
        ),
    )
    highlevel.target = f"{desk.world.url}/hooks/ghl/sales-ghl"
    desk.checked()
    desk.world.clock.show(MONDAY_TEN)
    highlevel.state.clock = desk.world.clock.of_others
    return desk


def test_the_example_for_opportunities_does_what_it_says(
    office: Callable[..., Office], highlevel: HighLevel
) -> None:
    desk = at_highlevel(office, "ghl-opportunity", highlevel)
    ada = highlevel.create_contact(firstName="Ada", lastName="Lovelace", phone="+12025550147")
    opportunity = highlevel.create_opportunity("New", ada, announce=False, monetaryValue=4800)
    highlevel.move(opportunity, "AI Call")
    assert "calls +12025550147" in desk.previewed(opportunity)
    desk.finish(highlevel.wait_idle)
    (call,) = desk.world.calls()
    assert (call["name"], call["metadata"]["value"]) == ("Ada Lovelace", 4800)
    now = highlevel.opportunity(opportunity)
    assert (now["ai_call_status"], now["ai_call_outcome"]) == ("ended", "answered")
    assert now["pipelineStageId"] == highlevel.state.stage("Qualified")[1]
    assert highlevel.contact(ada)["tags"] == ["ai-called"]
    (note,) = highlevel.notes(ada)
    assert note.startswith("AI call: answered. ")


@pytest.mark.parametrize(
    ("custom", "agent"), [({"agent": "Senior Closer"}, "Senior Closer"), ({}, "Lead Qualifier")]
)
def test_the_example_for_workflows_does_what_it_says(
    office: Callable[..., Office], highlevel: HighLevel, custom: dict[str, str], agent: str
) -> None:
    desk = at_highlevel(office, "ghl-workflow-with-custom-data", highlevel)
    ada = highlevel.create_contact(firstName="Ada", lastName="Lovelace", phone="+12025550147")
    opportunity = highlevel.create_opportunity("AI Call", ada, announce=False)
    highlevel.run_workflow(opportunity, {"campaign": "spring", **custom})
    desk.finish(highlevel.wait_idle)
    (call,) = desk.world.calls()
    assert (call["agent_name"], call["metadata"]["campaign"]) == (agent, "spring")
    assert highlevel.opportunity(opportunity)["ai_call_status"] == "spring: answered"
