"""Rule files: what loads, and every mistake with its place, the rule's name and the nearest right word."""

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from connector.errors import ConfigError
from connector.mapping.filters import FILTERS
from connector.mapping.keys import OTHERS, sections_of
from connector.mapping.reference import markdown
from connector.mapping.rules import RuleFile, Vocabulary, connection_of, load_rules, schema
from connector.mapping.source import load_yaml
from connector.model import Catalog, EventKind, Pipeline, Source, Stage

CATALOG = Catalog(
    (
        Pipeline("default", "Sales Pipeline", (Stage("1001", "Demo requested"), Stage("1002", "Qualified"))),
        Pipeline("renewals", "Renewals", (Stage("2001", "Due"),)),
    )
)
FIELDS = {"deal": frozenset({"id", "amount", "dealname", "dealstage"}), "contact": frozenset({"id", "phone"})}
VOCABULARY = Vocabulary(("deal", "contact"), ("deal",), FIELDS)
LIVE = Vocabulary(
    ("deal", "contact"),
    ("deal",),
    FIELDS,
    complete_fields=True,
    catalog=CATALOG,
    agents=frozenset({"Lead Qualifier", "Closer", "5b1d0c52-3a37-4f0e-8f2c-7a3c0d9be001"}),
)
GOOD = """\
version: 1
connection: sales-hubspot
rules:
  - name: Call people who ask for a demo
    when:
      pipeline: Sales Pipeline
      enters: Demo requested
      if: deal.amount >= 1000
    call:
      agent: Lead Qualifier
      phone_number: "{{ contact.phone }}"
      metadata:
        deal_id: "{{ deal.id }}"
    write_back:
      ended:
        deal: {dealname: "{{ call.outcome }}"}
"""


def load(text: str, vocabulary: Vocabulary = VOCABULARY) -> RuleFile:
    return load_rules(text, "rules.yaml", vocabulary)


def mistakes(text: str, vocabulary: Vocabulary = VOCABULARY) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text, vocabulary)
    return [str(mistake) for mistake in caught.value.mistakes]


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_a_rule_file_becomes_frozen_rules() -> None:
    for vocabulary in (VOCABULARY, LIVE):
        loaded = load(GOOD, vocabulary)
        (rule,) = loaded.rules
        assert (loaded.file, loaded.connection) == ("rules.yaml", "sales-hubspot")
        assert rule.name == "Call people who ask for a demo"
        assert (rule.when.pipeline, rule.when.enters) == ("Sales Pipeline", ("Demo requested",))
        assert rule.when.condition is not None
        assert rule.call.region is None
        assert (rule.write_back.ended.is_empty, rule.write_back.placed.is_empty) == (False, True)


def test_the_version_is_a_digest_of_the_text() -> None:
    assert load(GOOD).version == load(GOOD.encode().decode()).version
    assert load(GOOD).version != load(GOOD + "# a comment\n").version


def test_ids_may_be_written_as_numbers() -> None:
    text = changed("enters: Demo requested", "enters: [1001, Qualified]").replace("Sales Pipeline", "default")
    assert load(text, LIVE).rules[0].when.enters == ("1001", "Qualified")


def test_constants_in_write_backs_become_text() -> None:
    text = changed('{dealname: "{{ call.outcome }}"}', "{a: true, b: 12, c: 0.5, d: null, e: x}")
    written = load(text).rules[0].write_back.ended.records["deal"]
    assert {key: getattr(each, "source", each) for key, each in written.items()} == {
        "a": "true", "b": "12", "c": "0.5", "d": "", "e": "x"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (
            "    when:\n",
            "    wen:\n",
            [
                'rules.yaml:4:5  rules[0] ("Call people who ask for a demo")  when is missing',
                'rules.yaml:5:5  rules[0].wen ("Call people who ask for a demo")  "wen" is not a key of "rule"; '
                'did you mean "when"? There are: call, name, policy, stop, when, write_back',
            ],
        ),
        ("version: 1", "version: 2", ["rules.yaml:1:1  version  must be 1, and is the number 2"]),
        ("connection: sales-hubspot", "connection:", ["rules.yaml:2:1  connection  must be text, and is empty; give it a value, such as sales-hubspot"]),
        ("agent: Lead Qualifier", "agent: 12", ["rules.yaml:10:7  rules[0].call.agent (\"Call people who ask for a demo\")  must be text, and is the number 12; write the name of an agent, such as Lead Qualifier"]),
        ("enters: Demo requested", "enters: []", ["rules.yaml:7:7  rules[0].when.enters (\"Call people who ask for a demo\")  is empty; give it a value, such as Demo requested"]),
        ("enters: Demo requested", "enters: [x, no: yes]", ["rules.yaml:7:19  rules[0].when.enters[1] (\"Call people who ask for a demo\")  must be text or a whole number, and is a mapping"]),
        ("deal.amount >=", "deals.amount >=", ["rules.yaml:8:11  rules[0].when.if (\"Call people who ask for a demo\")  \"deals\" is not known here; did you mean \"deal\"? There are: contact, deal, event"]),
        ("if: deal.amount >= 1000", "if: true", ["rules.yaml:8:7  rules[0].when.if (\"Call people who ask for a demo\")  must be text, and is true (true or false); leave it out, for every record"]),
        ("{{ contact.phone }}", "{{ contact.phone | digit }}", None),
        ("{{ contact.phone }}", "contact.phone", ["rules.yaml:11:7  rules[0].call.phone_number (\"Call people who ask for a demo\")  \"contact.phone\" is not a phone number; a field is written \"{{ contact.phone }}\""]),
        ('deal_id: "{{ deal.id }}"', 'dispatch_id: x', ["rules.yaml:13:9  rules[0].call.metadata.dispatch_id (\"Call people who ask for a demo\")  \"dispatch_id\" is set by Stagecall itself; use another key"]),
        ('deal_id: "{{ deal.id }}"', 'a: [{b: "{{ lead.id }}"}]', ["rules.yaml:13:21  rules[0].call.metadata.a[0].b (\"Call people who ask for a demo\")  \"lead\" is not known here; the record is called deal here"]),
        ('deal_id: "{{ deal.id }}"', '"{{ deal.id }}": x', None),
        ("call.outcome", "call.outcom", None),
        ("call.outcome", "reason", None),
        ("        deal: {", "        contact: {", ["rules.yaml:16:9  rules[0].write_back.ended.contact (\"Call people who ask for a demo\")  contact cannot be written to; possible: deal"]),
        ("        deal: {", "        deel: {", ["rules.yaml:16:9  rules[0].write_back.ended.deel (\"Call people who ask for a demo\")  \"deel\" is not a key of \"ended\"; did you mean \"deal\"? There are: deal"]),
        ("      ended:", "      finished:", None),
        ("    call:\n", "    call:\n      region: Germany\n", ["rules.yaml:10:7  rules[0].call.region (\"Call people who ask for a demo\")  \"Germany\" is not a country; did you mean DE?"]),
        ("name: Call people who ask for a demo", "name: ' '", None),
    ],
)  # fmt: skip
def test_a_mistake_says_where_what_and_what_else(old: str, new: str, wanted: list[str] | None) -> None:
    found = mistakes(changed(old, new))
    if wanted is None:
        assert len(found) == 1
    else:
        assert found == wanted


def test_what_the_crm_cannot_do_need_not_even_have_its_shape() -> None:
    text = changed("        deal: {", "        log_call: [yes]\n        note: 7\n        deal: {")
    assert [found.split("  ")[-1] for found in mistakes(text)] == [
        "`log_call` is not possible with the CRM; possible here: deal",
        "`note` is not possible with the CRM; possible here: deal",
    ]


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("Demo requested", "Demo requestd", '"Demo requestd" is not a stage of Sales Pipeline; did you mean "Demo requested"? There are: Demo requested, Qualified'),
        ("enters: Demo requested", "enters: Due", '"Due" is not a stage of Sales Pipeline (it is one of Renewals); there are: Demo requested, Qualified'),
        ("Sales Pipeline", "Sales", '"Sales" is not a pipeline; did you mean "Renewals"? There are: Renewals, Sales Pipeline'),
        ("agent: Lead Qualifier", "agent: lead qualifyer", '"lead qualifyer" is not an agent; did you mean "Lead Qualifier"?'),
        ("agent: Lead Qualifier", "agent: \"{{ 'Closr' if deal.amount > 5 else 'Closer' }}\"", '"Closr" is not an agent; did you mean "Closer"?'),
        ("deal.amount >=", "deal.amuont >=", '"amuont" is not a field of deal; did you mean "amount"?'),
        ("{dealname:", "{dealnam:", '"dealnam" is not a property of deal; did you mean "dealname"?'),
    ],
)  # fmt: skip
def test_words_are_checked_against_the_account_where_it_is_known(old: str, new: str, wanted: str) -> None:
    (found,) = mistakes(changed(old, new), LIVE)
    assert wanted in found or ('"Sales" is not a pipeline' in found and old == "Sales Pipeline")
    assert '("Call people who ask for a demo")' in found


@pytest.mark.parametrize(
    ("old", "new"),
    [("deal.amount >=", "deal.own_field >="), ("{dealname:", "{ai_call_status:"), ("Demo requested", "Anything"),
     ("agent: Lead Qualifier", "agent: Anyone")],
)  # fmt: skip
def test_what_cannot_be_known_is_no_mistake(old: str, new: str) -> None:
    assert load(changed(old, new))


def test_an_agent_by_its_uuid_is_an_agent() -> None:
    assert load(changed("Lead Qualifier", "5b1d0c52-3a37-4f0e-8f2c-7a3c0d9be001"), LIVE)


def test_reason_and_call_are_known_where_they_make_sense() -> None:
    text = changed("      ended:", "      failed:").replace("call.outcome", "reason ~ call.id")
    assert load(text)


def test_two_rules_may_not_have_one_name() -> None:
    again = '  - {name: CALL people who  ask for a demo, when: {enters: x}, call: {phone_number: "+1 202 555 0100"}}\n'
    assert mistakes(GOOD + again) == [
        'rules.yaml:17:6  rules[1].name ("CALL people who ask for a demo")  '
        "is the name of the rule on line 4 too; a rule's name is its own"
    ]


def test_every_mistake_comes_at_once_in_the_order_of_the_file() -> None:
    text = (
        changed("Lead Qualifier", "Qualifier")
        .replace("contact.phone", "contcat.phone")
        .replace("    write_back:", "    policy: {outsid: hold}\n    write_back:")
        .replace("Demo requested", "Demo")
        .replace("call.outcome", "call.outcom")
    )
    assert [found.split("  ")[0] for found in mistakes(text, LIVE)] == [
        "rules.yaml:7:7", "rules.yaml:10:7", "rules.yaml:11:25", "rules.yaml:14:14", "rules.yaml:17:35"
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "[]\n", "x\n", "rulez: []\n", "version: 1\nconnection: x\nrules: {}\n"])
def test_what_is_no_rule_file_is_refused(text: str) -> None:
    assert mistakes(text)


def test_the_connection_is_known_before_the_words_are() -> None:
    assert connection_of("connection: sales-hubspot\nrules: 12\n", "f") == "sales-hubspot"
    for text in ("", "a: 1\n", "connection:\n", "connection: [x]\n", "connection: a: b\n"):
        with pytest.raises(ConfigError):
            connection_of(text, "f")


def keys_of(part: dict[str, Any]) -> list[tuple[str, dict[str, Any], list[str]]]:
    found = []
    for section in (part, *part.get("$defs", {}).values()):
        for key, each in section.get("properties", {}).items():
            found.append((key, each, section.get("required", [])))
    return found


def resolved(key: dict[str, Any]) -> dict[str, Any]:
    named = schema()["$defs"][key["$ref"].rsplit("/", 1)[-1]] if "$ref" in key else {}
    return {**named, **key}


def test_the_schema_is_valid_and_explains_every_key() -> None:
    Draft202012Validator.check_schema(schema())
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    keys = keys_of(schema())
    assert len(keys) == 52
    for key, each, required in keys:
        whole = resolved(each)
        assert whole["title"], key
        assert whole["description"], key
        assert whole["examples"], key
        assert ("default" in whole) == (key not in required), key


def of_any_name(part: Any) -> Iterator[dict[str, Any]]:
    """What is said of keys that people name themselves: tables, days, outcomes, properties."""
    if isinstance(part, dict):
        below = part.get("additionalProperties")
        if isinstance(below, dict):
            yield below
        for each in part.values():
            yield from of_any_name(each)


def test_the_schema_explains_keys_of_any_name_too() -> None:
    found = list(of_any_name(schema()))
    assert len(found) == 6
    for each in found:
        assert each["title"]
        assert each["description"]
        assert each["examples"]


def test_the_examples_in_the_schema_have_the_shape_they_explain() -> None:
    for each in [*(each for _, each, _ in keys_of(schema())), *of_any_name(schema())]:
        whole = {**resolved(each), "$defs": schema()["$defs"]}
        for example in [*whole.get("examples", []), *([whole["default"]] if "default" in whole else [])]:
            Draft202012Validator(whole).validate(example)


@pytest.mark.parametrize(
    ("section", "key", "default"),
    [
        (section.name, name, key.default)
        for _, section in sections_of(RuleFile, "file")
        for name, key in section.keys.items()
        if not key.required and name != OTHERS
    ],
)
def test_a_default_says_the_same_as_leaving_the_key_out(section: str, key: str, default: Any) -> None:
    """Editors write defaults into a file: that must change nothing."""
    able = replace(LIVE, moves_stage=True, tags_on="contact", notes_on=("deal",), calls_on=("deal",))
    whole = load_yaml(GOOD, "f").value
    rule = whole["rules"][0]
    for below in ("pipeline", "if"):
        del rule["when"][below]
    del rule["call"]["agent"]
    del rule["call"]["metadata"]
    rule["call"]["phone_number"] = "+12025550101"  # compiled merge fields never equal each other
    rule |= {"policy": {"window": {}}, "write_back": {}}
    sections: dict[str, dict[str, Any]] = {
        "file": whole,
        "rules": rule,
        "when": rule["when"],
        "call": rule["call"],
        "policy": rule["policy"],
        "window": rule["policy"]["window"],
        "write_back": rule["write_back"],
        "placed, ended, failed, skipped, held": rule["write_back"].setdefault("ended", {}),
        "tags": rule["write_back"]["ended"].setdefault("tags", {"add": "x", "remove": ["y"]}),
    }
    sections[section].pop(key, None)
    if section == "tags" or key == "tags":  # no tags at all is a mistake of its own
        sections["tags"].setdefault("add" if key == "remove" else "remove", "z")
    if section == "window" and key in ("from", "until"):  # neither stands alone
        sections[section] |= {"from": "09:00", "until": "20:00"}
    without = load(json.dumps(whole), able)
    sections[section][key] = default
    assert load(json.dumps(whole), able).rules == without.rules
    if isinstance(default, str):
        sections[section][key] = f" {default.upper()} "
        if key in ("pipeline", "from", "agent", "region", "cool_down", "otherwise", "countries"):
            assert load(json.dumps(whole), able).rules == without.rules


def test_the_file_that_editors_read_is_the_schema_in_use() -> None:
    """After a change in language.py: stagecall rules schema > connector/mapping/rules.schema.json"""
    file = Path(__file__).resolve().parents[2] / "connector" / "mapping" / "rules.schema.json"
    assert json.loads(file.read_text()) == schema()


def test_every_key_of_the_schema_is_read() -> None:
    """A key that the schema has and the reader forgets would be ignored in silence."""
    full = {
        "version": 1,
        "connection": "c",
        "tables": {"t": {"a": "b"}},
        "rules": [
            {
                "name": "one",
                "stop": True,
                "when": {
                    "pipeline": "p", "enters": "e", "from": "f", "how": "moved", "only_source": "person",
                    "if": "deal.amount > 1",
                },
                "call": {
                    "agent": "a", "phone_number": "{{ contact.phone }}", "region": "US", "name": "n", "email": "e",
                    "metadata": {"m": 1},
                },
                "policy": {
                    "window": {
                        "days": "mon-fri", "from": "08:00", "until": "21:00", "zone": "{{ contact.timezone }}",
                        "otherwise": "Europe/London", "holidays": ["US-CA"], "closed_dates": ["2026-12-24"],
                    },
                    "outside": "skip", "once_per": "record", "cool_down": "24h", "expires": "4h", "max_per_hour": 2,
                    "max_per_day": 9, "countries": ["GB"], "number_types": ["mobile"], "dry_run": True,
                },
                "write_back": {
                    **{moment: {"deal": {"p": "v"}} for moment in ("placed", "failed", "skipped", "held")},
                    "ended": {
                        "note": "n", "log_call": True, "stage": "s", "tags": {"add": "x", "remove": ["y"]},
                    },
                },
            }
        ],
    }  # fmt: skip
    names = {key for key, _, _ in keys_of(schema())}
    other = {"not_source": "import"}  # beside only_source it is a mistake
    not_here = {"hours"}  # test_policy_keys.py

    def paths(part: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
        items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else []
        return [each for key, value in items for each in [(*path, key), *paths(value, (*path, key))]]

    assert names <= {path[-1] for path in paths(full)} | other.keys() | not_here
    able = replace(VOCABULARY, moves_stage=True, tags_on="contact", notes_on=("deal",), calls_on=("deal",))
    whole = load(json.dumps(full), able)
    full_when: Any = full["rules"][0]["when"]  # type: ignore[index]
    for key, value in other.items():
        changed_when = {**{k: v for k, v in full_when.items() if k != "only_source"}, key: value}
        rules = [{**full["rules"][0], "when": changed_when}]  # type: ignore[index]
        assert load(json.dumps({**full, "rules": rules}), able).rules[0].when.not_source == {Source.IMPORT}
    for path in paths(full):
        if path[-1] in names and path[-1] != "version":
            without = copy.deepcopy(full)
            part: Any = without
            for step in path[:-1]:
                part = part[step]
            del part[path[-1]]
            try:
                assert load(json.dumps(without), able).rules != whole.rules, path
            except ConfigError:
                continue


@settings(max_examples=150, deadline=None)
@given(st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["{{ deal.id }}", "{{ x", "deal", "", "ended"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["version", "connection", "rules", "name", "when", "enters", "if", "call", "phone_number",
                         "metadata", "write_back", "ended", "deal", "policy"]), inner, max_size=5),
    max_leaves=25,
))  # fmt: skip
def test_no_file_raises_anything_but_our_error(value: Any) -> None:
    try:
        load(json.dumps(value), LIVE)
        found: list[bool] = []
    except ConfigError as error:
        found = [bool(mistake.line and mistake.found) for mistake in error.mistakes]
    assert all(found)


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        ("stop: yes", 'must be true or false, and is the text "yes"; write true, without quotes'),
        (
            "how: mooved",
            '"mooved" is not possible here; did you mean "moved"? There are: any, created, moved',
        ),
        ("only_source: imports", 'did you mean "import"?'),
        ("only_source: [person, robot]", 'the text "robot" is not possible here; there are: bulk_edit'),
        ("only_source: 5", "the number 5 is not possible here"),
        ("only_source: []", "is empty"),
        ("not_source: [import, import]", "has a word twice"),
        ("{only_source: person, not_source: import}", "says again what only_source says"),
        ("{from: New, how: created}", "a record that is created in a stage comes from none"),
        (
            "from: [Qualified, Qualifed]",
            '"Qualifed" is not a stage of any pipeline; did you mean "Qualified"?',
        ),
        ("from: {}", "must be text, a whole number or a list"),
        ("if: {deal.amount > 5}", "write it without braces: deal.amount > 5"),
    ],
)
def test_mistakes_in_when_are_told(when: str, wanted: str) -> None:
    lines = when.strip("{}").split(", ") if when.startswith("{") else [when]
    keys = "".join(f"{'    ' if line.startswith('stop') else '      '}{line}\n" for line in lines)
    text = changed("      if: deal.amount >= 1000\n", keys)
    (found,) = mistakes(text, LIVE)
    assert wanted in found


def test_when_is_read() -> None:
    text = changed(
        "      if: deal.amount >= 1000\n",
        "      from: [Qualified, 2001]\n      how: moved\n      only_source: [person, bulk_edit]\n",
    )
    when = load(text, LIVE).rules[0].when
    assert when.came_from == ("Qualified", "2001")
    assert when.how is EventKind.MOVED
    assert when.only_source == {Source.PERSON, Source.BULK_EDIT}


def test_any_stage_may_be_entered() -> None:
    assert load(changed("enters: Demo requested", "enters: any"), LIVE).rules[0].when.enters == ("any",)


def test_from_is_a_mistake_where_the_crm_does_not_tell() -> None:
    text = changed("      if: deal.amount >= 1000\n", "      from: Qualified\n")
    silent = replace(VOCABULARY, tells_previous_stage=False, crm="HubSpot")
    (found,) = mistakes(text, silent)
    assert "HubSpot does not say which stage a record comes from; leave `from` out" in found


def test_tables_are_read_and_their_agents_checked() -> None:
    text = changed(
        "agent: Lead Qualifier", "agent: \"{{ deal.amount | map('agents') | default('Closer') }}\""
    )
    with_table = text.replace("rules:\n", "tables:\n  agents: {1: Lead Qualifier, TWO: Closr}\nrules:\n", 1)
    assert load(with_table).tables == {"agents": {"1": "Lead Qualifier", "two": "Closr"}}
    (found,) = mistakes(with_table, LIVE)
    assert '"Closr" is not an agent; did you mean "Closer"?' in found
    (found,) = mistakes(text)
    assert '"agents" is not one of the tables of this file; the file has no `tables:` yet' in found
    (found,) = mistakes(with_table.replace("TWO", "1 "))
    assert "twice" in found
    (found,) = mistakes(with_table.replace("{1: Lead Qualifier, TWO: Closr}", "{}"))
    assert "is empty" in found


def test_phone_number_may_be_a_list_of_expressions() -> None:
    text = changed(
        'phone_number: "{{ contact.phone }}"', "phone_number: [contact.mobile, contact.phone | digits]"
    )
    first, second = load(text).rules[0].call.phone_number
    assert first.fields == {("contact", "mobile")}
    assert second.fields == {("contact", "phone")}
    (found,) = mistakes(text.replace("contact.mobile", "contcat.mobile"))
    assert '"contcat" is not known here; did you mean "contact"?' in found
    assert "rules[0].call.phone_number[0]" in found
    (found,) = mistakes(text.replace("contact.mobile", '"{{ contact.mobile }}"'))
    assert "is an expression already; write it without {{ and }}" in found
    assert mistakes(text.replace("[contact.mobile, contact.phone | digits]", "[]"))


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ('"{{ contact.phone }}"', "{ contact.phone }", 'a merge field stands in quotes and in two braces: "{{ contact.phone }}"'),
        ('"{{ contact.phone }}"', '"{ contact.phone }"', "has {contact.phone} in single braces"),
        ('"{{ deal.id }}"', '"{deal.id}"', "has {deal.id} in single braces"),
        ('"{{ contact.phone }}"', "\u201c{{ contact.phone }}\u201d", "begins with \u201c, which is no quote to YAML"),
    ],
)  # fmt: skip
def test_what_a_newcomer_writes_is_explained(old: str, new: str, wanted: str) -> None:
    (found,) = mistakes(changed(old, new))
    assert wanted in found


def test_a_field_that_is_nearly_a_standard_one_is_warned_of() -> None:
    loaded = load(changed("{{ contact.phone }}", "{{ contact.pone }}").replace("deal.amount", "deal.amuont"))
    assert [str(each) for each in loaded.warnings] == [
        'rules.yaml:8:16  rules[0].when.if ("Call people who ask for a demo")  "amuont" is not one of the standard'
        ' fields of deal; did you mean "amount"?',
        'rules.yaml:11:33  rules[0].call.phone_number ("Call people who ask for a demo")  "pone" is not one of the'
        ' standard fields of contact; did you mean "phone"?',
    ]
    assert load(GOOD).warnings == ()
    assert load(changed("deal.amount", "deal.own_field")).warnings == ()


def test_the_reference_has_every_key_filter_and_word() -> None:
    text = markdown()
    keys = {key for key, _, _ in keys_of(schema())}
    assert all(f"### `{key}`: " in text for key in keys)
    assert all(f"`{each.usage}`" in text and each.about in text for each in FILTERS.values())
    assert all(f"| `{each.value}` |" in text for each in Source)
    for key, example in re.findall(r"```yaml\n(\w+): (.*?)\n", text):
        assert load_yaml(f"{key}: {example}\n", "f").value[key] is not None, key


def test_the_examples_of_the_reference_are_yaml_that_means_what_the_schema_says() -> None:
    blocks = re.findall(r"### `(\w+)`: .*?```yaml\n(.*?)```", markdown(), re.DOTALL)
    for (name, block), (key, each, _) in zip(blocks, keys_of(schema()), strict=True):
        assert name == key
        lines = block.splitlines()
        assert [load_yaml(line, "f").value[key] for line in lines] == resolved(each)["examples"]


def test_the_beginning_of_a_word_is_enough_to_be_understood() -> None:
    missing, meant = mistakes(changed("phone_number:", "phone:"))
    assert "phone_number is missing" in missing
    assert '"phone" is not a key of "call"; did you mean "phone_number"?' in meant


def test_a_key_that_stands_twice_hides_no_other_mistake() -> None:
    text = changed(
        "      agent: Lead Qualifier\n", "      agent: Lead Qualifier\n      agent: Lead Qualifier\n"
    )
    found = mistakes(text.replace("deal.amount", "deals.amount").replace("contact.phone", "kontact.phone"))
    assert len(found) == 3
    assert 'has the key "agent" twice' in " ".join(found)


def test_every_unknown_word_of_one_expression_is_told() -> None:
    text = changed("deal.amount >= 1000", "deals.amount >= 1000 and kontact.city and deal.amuont")
    found = mistakes(text, LIVE)
    assert [word for word in ("deals", "kontact", "amuont") if f'"{word}"' not in " ".join(found)] == []
    assert len(found) == 3


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("      enters: Demo requested", "        enters: Demo requested", '7:9  rules[0].when  has "enters" after 8 blanks, and "pipeline" above it after 6; keys'),
        ("  - name:", "  -name:", "lacks a blank after its \"-\", in the line above"),
        ("      enters:", "\u00a0     enters:", "has a blank that is none (a non-breaking space)"),
        ("    write_back:", "    dry_run: true\n    write_back:", 'it belongs under `policy`'),
        ("    write_back:", "    policy: {window: 9-18}\n    write_back:", 'the text "9-18" is no window; write {days: mon-fri'),
        ("    write_back:", "    policy: {window: {days: mon, from: 9, until: '12:00'}}\n    write_back:", 'is the number 9; write "09:00"'),
        ("    write_back:", "    policy: {window: {days: mon, from: '09:00', until: 6pm}}\n    write_back:", '"6pm" is not a time of the clock; write 18:00'),
    ],
)  # fmt: skip
def test_what_a_newcomer_to_yaml_writes_is_explained(old: str, new: str, wanted: str) -> None:
    assert wanted in " ".join(mistakes(changed(old, new)))
