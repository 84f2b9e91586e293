"""Every file of examples/workflows/ as its reader uses it: check against the account, preview of a live record, the
whole flow to what stands in the CRM afterwards. A new file needs a story here."""

from collections.abc import Callable, Iterator, Mapping
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
from tests.flow.example_stories import ADA, MONDAY_TEN, STORIES, Story

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "workflows"
FILES = {file.stem: file for file in sorted(FOLDER.glob("*.yaml"))}
AGENTS = ("Senior Closer", "Onboarding", "Account Manager", "English agent", "German agent", "French agent")


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
