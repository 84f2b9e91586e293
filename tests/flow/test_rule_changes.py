"""Rule files that change while a worker runs: the new text when it loads, the old one when it does not."""

from dataclasses import replace
from pathlib import Path

import pytest
import requests

from connector import rule_history
from connector.errors import PermanentError
from connector.rule_watch import RuleWatch
from connector.status import lines, status
from connector.store import rule_files
from tests.flow.conftest import RULES, Start, World

GRACE = RULES.replace("{{ contact.firstname }}", "Grace")
BROKEN = RULES.replace("contact.firstname", "contct.firstname")


class Watched:
    """A world with a watch over its one rule file."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.file = world.parts.config.rule_files[0]
        self.watch = RuleWatch(world.parts)
        self.watch.begin()

    def write(self, text: str, file: Path | None = None) -> None:
        (file or self.file).write_text(text)
        self.look()

    def look(self) -> None:
        """Twice: a text is believed when two looks have found the same."""
        self.watch.look()
        self.watch.look()
        self.world.clock.advance(seconds=1)

    @property
    def in_force(self) -> list[str]:
        return [each.text for each in self.world.parts.rules.files]

    @property
    def mistakes(self) -> str | None:
        with self.world.parts.engine.connect() as conn:
            (state,) = rule_files.states(conn)
        return state.mistakes

    def versions(self) -> list[rule_files.PastVersion]:
        with self.world.parts.engine.connect() as conn:
            return rule_history.history(conn, self.file)


@pytest.fixture
def watched(world: World) -> Watched:
    return Watched(world)


def test_a_text_that_loads_replaces_the_old_one(watched: Watched) -> None:
    world = watched.world
    watched.write(GRACE)
    assert watched.in_force == [GRACE]
    world.hubspot.move_deal(world.deal(), "Demo requested")
    world.work()
    (call,) = world.calls()
    assert call["name"] == "Grace"


def test_a_stage_that_the_crm_lacks_is_shown_until_the_rule_is_mended(start: Start) -> None:
    watched = Watched(start(rules=RULES.replace("Demo requested", "Demo requestd")))
    world = watched.world
    world.clock.advance(seconds=1)

    def needed() -> list[str]:
        with world.parts.engine.connect() as conn:
            return list(status(conn)["needs_a_person"])

    assert needed() == []
    world.hubspot.move_deal(world.deal(), "Demo requested")
    world.work()
    assert world.calls() == []
    (found,) = needed()
    assert found.startswith(f'{watched.file}: rule "')
    assert '"Demo requestd" is not a stage of' in found
    assert 'did you mean "Demo requested"?' in found
    watched.write(GRACE)
    assert needed() == []


def test_a_half_written_text_is_not_believed(watched: Watched) -> None:
    watched.file.write_text(GRACE)
    watched.watch.look()
    assert watched.in_force == [RULES], "one look is not enough"
    watched.file.write_text(GRACE + "\n")
    watched.watch.look()
    assert watched.in_force == [RULES], "it has changed since"
    watched.watch.look()
    assert watched.in_force == [GRACE + "\n"]


def test_a_text_that_does_not_load_is_reported_and_the_old_one_stays(watched: Watched) -> None:
    watched.write(BROKEN)
    assert watched.in_force == [RULES]
    assert "contct" in (watched.mistakes or "")
    with watched.world.parts.engine.connect() as conn:
        told = "\n".join(lines(status(conn)))
    assert "was refused" in told
    assert "rules.yaml:" in told
    metrics = requests.get(f"{watched.world.url}/metrics", timeout=5).text
    assert 'stagecall_rule_files{newest="refused"} 1' in metrics
    watched.write(RULES)
    assert watched.mistakes is None, "put right again"
    assert len(watched.versions()) == 1, "it was in force all the time"


def test_a_file_that_is_gone_changes_nothing(watched: Watched) -> None:
    watched.file.unlink()
    watched.look()
    assert watched.in_force == [RULES]
    assert "the file is gone" in (watched.mistakes or "")
    watched.write(RULES)
    assert watched.mistakes is None


def test_two_files_may_not_have_one_rule_twice_also_later(watched: Watched) -> None:
    parts = watched.world.parts
    second = watched.file.with_name("second.yaml")
    parts.config = replace(parts.config, rule_patterns=("rules.yaml", "second.yaml"))
    watched.write(RULES, second)
    assert watched.in_force == [RULES]
    watched.write(RULES.replace("name: Call", "name: Call again"), second)
    assert len(watched.in_force) == 2, "a file that came later counts"


def test_a_dispatch_says_under_which_version_it_ran(watched: Watched) -> None:
    world = watched.world
    world.hubspot.move_deal(world.deal(), "Demo requested")
    world.work()
    (dispatch,) = world.dispatches()
    watched.write(GRACE)
    world.clock.advance(seconds=1)
    world.work()
    world.clock.advance(seconds=2)
    world.work()
    (ended,) = world.dispatches()
    assert ended["state"] == "ended"
    assert [each["state"] for each in ended["write_backs"]] == ["written", "written"], "by the older rules"
    assert dispatch["rules_version"] == watched.versions()[1].version


def test_history_diff_and_rollback(watched: Watched) -> None:
    watched.write(GRACE)
    new, old = watched.versions()
    assert (new.text, old.text) == (GRACE, RULES)
    engine, adapters = watched.world.parts.engine, watched.world.parts.adapters
    told = list(rule_history.lines([new, old]))
    assert [line.endswith("in force") for line in told] == [True, False]
    with engine.connect() as conn:
        changed = [line for line in rule_history.diff(conn, watched.file, None, None) if line[:1] in "+-"]
        assert changed[2:] == ['-      name: "{{ contact.firstname }}"', '+      name: "Grace"']
        (same,) = rule_history.diff(conn, watched.file, new.version, None)
        assert same.endswith("nothing has changed")
        watched.file.write_text(BROKEN)
        target, saved = rule_history.roll_back(conn, watched.file, old.version, adapters)
    assert (target, watched.file.read_text()) == (old, RULES)
    assert saved is not None
    assert saved.read_text() == BROKEN, "what was never in force is not lost"
    watched.look()
    assert watched.in_force == [RULES]
    assert [each.text for each in watched.versions()] == [RULES, GRACE, RULES]


def test_a_version_is_named_by_how_it_begins(watched: Watched) -> None:
    watched.write(GRACE)
    versions = watched.versions()
    assert rule_history.find(versions, versions[0].version[:6]) == versions[0]
    for wrong, told in (("zzzz", "no version"), (versions[0].version[:2], "too short")):
        with pytest.raises(PermanentError, match=told):
            rule_history.find(versions, wrong)


def test_there_is_nothing_before_the_first_version(watched: Watched) -> None:
    with (
        watched.world.parts.engine.connect() as conn,
        pytest.raises(PermanentError, match="had no other version"),
    ):
        rule_history.roll_back(conn, watched.file, None, watched.world.parts.adapters)


def test_a_bad_edit_is_rolled_back_to_what_is_in_force(watched: Watched) -> None:
    watched.write(GRACE)
    watched.write(BROKEN)
    with watched.world.parts.engine.connect() as conn:
        target, saved = rule_history.roll_back(conn, watched.file, None, watched.world.parts.adapters)
    assert target.text == watched.file.read_text() == GRACE
    assert saved is not None
    assert saved.read_text() == BROKEN
    with watched.world.parts.engine.connect() as conn:
        target, saved = rule_history.roll_back(conn, watched.file, None, watched.world.parts.adapters)
    assert (target.text, saved) == (RULES, None), "what is in force is left for the one before"


def test_a_stage_that_the_account_lacks_takes_no_working_rule_away(watched: Watched) -> None:
    watched.write(RULES.replace("Demo requested", "Demo requestd"))
    assert watched.in_force == [RULES]
    assert watched.mistakes is not None
    assert 'did you mean "Demo requested"?' in watched.mistakes
    watched.world.hubspot.move_deal(watched.world.deal(), "Demo requested")
    watched.world.work()
    assert len(watched.world.calls()) == 1


def test_stages_that_cannot_be_asked_for_hold_no_change_up(watched: Watched) -> None:
    watched.world.hubspot.stop()
    watched.write(RULES.replace("Demo requested", "Demo requestd"))
    assert watched.in_force == [RULES.replace("Demo requested", "Demo requestd")]
