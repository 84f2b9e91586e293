"""Rules whose author knows another CRM, by the words that the adapters bring."""

import pytest

from connector.adapter import find_adapter
from connector.errors import ConfigError
from connector.mapping.rules import load_rules
from connector.rulebook import vocabulary

RULES = """\
version: 1
connection: sales
rules:
  - name: One
    when:
      enters: New
      if: RECORD.id
    call:
      agent: Lead Qualifier
      phone_number: "{{ contact.phone }}"
    write_back:
      ended:
        note: done
"""


def said(crm: str, old: str, new: str) -> list[str]:
    words = vocabulary(find_adapter(crm))
    text = RULES.replace(old, new, 1).replace("RECORD", words.objects[0])
    try:
        return [each.found for each in load_rules(text, "rules.yaml", words).warnings]
    except ConfigError as error:
        return [each.found for each in error.mistakes]


@pytest.mark.parametrize(
    ("crm", "old", "new", "wanted"),
    [
        ("ghl", "RECORD.id", "deal.amount > 5", '"deal" is not known here; the record is called opportunity here'),
        ("ghl", "RECORD.id", "opportunity.amount > 5", 'did you mean "monetaryValue"?'),
        ("ghl", "RECORD.id", "opportunity.status == 'Open'", 'usual values of opportunity.status; did you mean "open"? There are: abandoned, lost, open, won'),
        ("ghl", "RECORD.id", "contact.tags == 'vip'", "contact.tags is a list; write \"'vip' in contact.tags\", with both"),
        ("ghl", "RECORD.id", "opportunity.lead_value > 5", 'did you mean "monetaryValue"?'),
        ("ghl", "RECORD.id", "contact.tags = vip", "tags are a list; write \"'vip' in contact.tags\", with both kinds"),
        ("ghl", "RECORD.id", "contact.assignedTo == 'Grace'", 'contact.assignedTo holds an id, and "Grace" is a name'),
        ("ghl", "RECORD.id", "'VIP' in contact.tags", "put the whole in quotes of the other kind: if: \"'VIP' in contact.tags\""),
        ("ghl", "contact.phone", "contact.mobilephone", 'did you mean "phone"?'),
        ("ghl", "note: done", "deal: {x: y}", "the record is called opportunity here"),
        ("ghl", "note: done", "tags: vip", "write tags: {add: vip}"),
        ("ghl", "note: done", "tags: [vip, new]", "write tags: {add: [vip, new]}"),
        ("ghl", "note: done", "contact: {tags: vip}", '"tags" of contact is not written with HighLevel; write tags: {add: vip}, beside contact and not below it'),
        ("ghl", "note: done", "contact: {phone: x}", '"phone" of contact is not written with HighLevel'),
        ("ghl", "note: done", "opportunity: {pipelineStageId: x}", 'write stage: x, beside opportunity and not below it'),
        ("ghl", "if: RECORD.id", "only_source: person", "HighLevel tells only: unknown, workflow"),
        ("ghl", "if: RECORD.id", "not_source: import", "leaves nobody out; HighLevel tells only"),
        ("ghl", "RECORD.id", "opportunity.custom.budget", "write opportunity.budget"),
        ("ghl", "note: done", "tags: {add: called, add: ai}", "several are a list in brackets: [called, ai]"),
        ("ghl", "note: done", "tags: {add: called, ai}", "several tags are a list in brackets: [called, ai]"),
        ("ghl", "note: done", "contact: {add_tag: vip}", "tags are written tags: {add: vip}, beside contact"),
        ("ghl", "note: done", "opportunity: {status: Won}", 'is "Won", which is not one of the usual values'),
        ("ghl", "note: done", "workflow: Call back", "a workflow there can start when a property is written"),
        ("ghl", "note: done", "tags: {add: called by AI, voicemail: left one}",
         "a tag by outcome is add: \"{{ 'left one' if call.outcome == 'voicemail' else 'called by AI' }}\""),
        ("ghl", "note: done", "tags: {add: [called, left message if voicemail]}",
         "by outcome it is \"{{ 'left message' if call.outcome == 'voicemail' else '' }}\""),
        ("ghl", "if: RECORD.id", 'not: tag "do not call"', "people with a tag are left out by if: \"'do not call' not in contact.tags\""),
        ("ghl", "RECORD.id", "RECORD.id and not (tag 'do not call')", "write 'do not call' in contact.tags"),
        ("ghl", "RECORD.id", 'RECORD.id and contact.source is "Facebook Ad"', "write contact.source == 'Facebook Ad'"),
        ("ghl", "RECORD.id", "opportunity.assignedTo Anna", "write opportunity.assignedTo == 'Anna'"),
        ("ghl", "agent: Lead Qualifier", "agent: Ruby\n      agent_spanish: Carlos",
         "a call has one agent, and a choice stands in braces: \"{{ 'Carlos' if contact.country == 'GB' else 'Ruby' }}\""),
        ("ghl", "    call:", "    policy: {window: {US: {days: mon-fri}}}\n    call:",
         '"US" is not a key of "window"; other hours for another country are a rule of their own, with if: contact.country == \'US\''),
        ("ghl", "    call:", "    policy: {window: {hours: {UK: {days: mon-fri}}}}\n    call:", "with if: contact.country == 'GB'"),
        ("ghl", "    call:", '    policy: {window: {hours: {UK: "09:00-17:00"}}}\n    call:', "with if: contact.country == 'GB'"),
        ("ghl", "    call:", "    policy: {window: {days: mon-fri, from: '10:00', until: '18:00', saturday: 10am-1pm}}\n    call:",
         'below `hours` in the place of days, from, until: hours: {mon-fri: "10:00-18:00", sat: "10:00-13:00"}'),
        ("ghl", "    call:", "    policy: {window: {days: mon-fri, from: '10:00', until: '18:00', hours: {saturday: '10:00-13:00'}}}\n    call:",
         'write hours: {mon-fri: "10:00-18:00", sat: "10:00-13:00"}, and leave those out'),
        ("ghl", "    call:", "    policy: {max_tries: 2}\n    call:", "a call is placed once"),
        ("hubspot", "RECORD.id", "opportunity.id", '"opportunity" is not known here; the record is called deal here'),
        ("hubspot", "RECORD.id", "deal.value > 5", 'did you mean "amount"?'),
        ("hubspot", "RECORD.id", "deal.dealtype == 'New Business'", "existingbusiness, newbusiness"),
        ("hubspot", "RECORD.id", "contact.owner", 'did you mean "hubspot_owner_id"?'),
        ("hubspot", "contact.phone", "contact.mobile", 'did you mean "mobilephone"?'),
        ("hubspot", "contact.phone", "contact.phone_number", 'did you mean "phone"?'),
        ("hubspot", "note: done", "deal: {dealstage: '1'}", "moves the record whatever the outcome; write `stage:` in its place"),
        ("hubspot", "note: done", "company: {name: x}", "company cannot be written to"),
    ],
)  # fmt: skip
def test_words_of_another_crm(crm: str, old: str, new: str, wanted: str) -> None:
    (found,) = said(crm, old, new)
    assert wanted in found
