"""Deals, contacts and companies as the adapter reads them from the sandbox, through HubSpot's official client."""

import pytest

from adapters.hubspot import Adapter
from adapters.hubspot.sandbox import Sandbox
from adapters.hubspot.sandbox.account import DEMO_REQUESTED
from connector.errors import PermanentError, TemporaryError
from connector.model import Context, RecordRef
from tests.adapters.connected_hubspot import FIELDS, context, deal


def test_a_deal_is_read_with_its_contact(crm: Sandbox, hubspot: Adapter) -> None:
    ada = crm.create_contact(firstname="Ada", phone="+12025550100")
    one = crm.create_deal("Demo requested", [ada], dealname="Engine", amount="1200")

    found = context(hubspot.read([deal(one)], FIELDS), one)

    assert (found.stage, found.pipeline) == (DEMO_REQUESTED, "default")
    assert {"id": one, "dealname": "Engine", "amount": "1200"}.items() <= found.fields["deal"].items()
    assert {"id": ada, "firstname": "Ada", "phone": "+12025550100"}.items() <= found.fields["contact"].items()


def test_a_deal_without_a_contact_has_an_empty_one(crm: Sandbox, hubspot: Adapter) -> None:
    alone = crm.create_deal()
    with_grace = crm.create_deal(contacts=[crm.create_contact(firstname="Grace")])

    found = hubspot.read([deal(alone), deal(with_grace)], FIELDS)

    assert context(found, alone).fields["contact"] == {}
    assert context(found, with_grace).fields["contact"]["firstname"] == "Grace"


def test_contacts_are_not_read_where_no_contact_is_asked_for(crm: Sandbox, hubspot: Adapter) -> None:
    one = crm.create_deal(contacts=[crm.create_contact()])

    assert context(hubspot.read([deal(one)], {"deal": {"amount"}}), one).fields["contact"] == {}
    assert [request["path"] for request in crm.requests] == ["/crm/v3/objects/deals/batch/read"]


def test_of_several_contacts_the_primary_then_a_labelled_then_the_oldest_is_first(
    crm: Sandbox, hubspot: Adapter
) -> None:
    ada, grace, katherine = (crm.create_contact(firstname=name) for name in ("Ada", "Grace", "Katherine"))
    plain, labelled, primary = (crm.create_deal(contacts=[katherine, grace, ada]) for _ in range(3))
    crm.associate(labelled, grace, "Decision maker")
    crm.associate(primary, grace, "Decision maker")
    crm.associate(primary, katherine, "Primary")

    found = hubspot.read([deal(plain), deal(labelled), deal(primary)], FIELDS)

    assert context(found, plain).fields["contact"]["id"] == ada
    assert context(found, labelled).fields["contact"]["id"] == grace
    assert context(found, primary).fields["contact"]["id"] == katherine


def test_a_contact_that_is_gone_gives_way_to_the_next(crm: Sandbox, hubspot: Adapter) -> None:
    ada, grace = crm.create_contact(firstname="Ada"), crm.create_contact(firstname="Grace")
    one = crm.create_deal(contacts=[ada, grace])
    # gone between the two reads: the link still says Ada
    crm.fail(207, path="objects/contacts", answer={"status": "COMPLETE", "results": []})

    assert context(hubspot.read([deal(one)], FIELDS), one).fields["contact"]["id"] == grace


def test_contacts_that_come_in_pages_are_all_looked_at(crm: Sandbox, hubspot: Adapter) -> None:
    ada, grace = crm.create_contact(firstname="Ada"), crm.create_contact(firstname="Grace")
    one = crm.create_deal(contacts=[ada])
    more = {"next": {"after": "NA=="}}
    page = {"from": {"id": one}, "to": [{"toObjectId": int(grace), "associationTypes": []}], "paging": more}
    crm.fail(200, path="/v4/associations", answer={"status": "COMPLETE", "results": [page]})

    assert context(hubspot.read([deal(one)], FIELDS), one).fields["contact"]["id"] == ada


def test_a_deal_that_is_gone_is_an_error_of_its_own(crm: Sandbox, hubspot: Adapter) -> None:
    kept, gone = crm.create_deal(), crm.create_deal()
    crm.delete_deal(gone)

    found = hubspot.read(
        [deal(kept), deal(gone), deal("404"), deal("no id"), RecordRef("ticket", "1")], FIELDS
    )

    assert isinstance(found[deal(kept)], Context)
    for record, word in ((deal(gone), "gone"), (deal("404"), "gone"), (deal("no id"), "numbers")):
        assert isinstance(found[record], PermanentError)
        assert word in str(found[record])
    assert isinstance(found[RecordRef("ticket", "1")], PermanentError)


def test_deals_are_read_a_hundred_at_a_time(crm: Sandbox, hubspot: Adapter) -> None:
    ids = crm.create_deals(250, "Demo requested")

    found = hubspot.read([deal(id_) for id_ in ids], FIELDS)

    assert [context(found, id_).fields["deal"]["dealname"] for id_ in ids] == [
        f"Deal {n}" for n in range(1, 251)
    ]
    assert all(context(found, id_).fields["contact"]["phone"] for id_ in ids)
    assert len(crm.requests) == 3 * 3


def test_an_account_without_a_property_answers_without_it(crm: Sandbox, hubspot: Adapter) -> None:
    one = crm.create_deal()

    assert (
        "favourite_colour"
        not in context(hubspot.read([deal(one)], {"deal": {"favourite_colour"}}), one).fields["deal"]
    )


def test_the_catalog_names_every_stage(hubspot: Adapter) -> None:
    catalog = hubspot.catalog()

    assert [pipeline.label for pipeline in catalog.pipelines] == ["Sales Pipeline", "Renewals"]
    stage = catalog.stage(DEMO_REQUESTED)
    assert stage is not None
    assert stage.label == "Demo requested"
    assert "Trial (old)" in [stage.label for stage in catalog.pipelines[0].stages]


def test_the_accounts_properties_are_known(hubspot: Adapter) -> None:
    assert {"dealstage", "ai_call_status"} <= hubspot.properties("deal")
    assert "firstname" in hubspot.properties("contact")


def test_a_deal_is_read_with_its_primary_company_where_a_rule_asks_for_it(
    crm: Sandbox, hubspot: Adapter
) -> None:
    one = crm.create_deal(contacts=[crm.create_contact(firstname="Ada")])
    older = crm.create_company(name="Analytical Engines", phone="+12025550101")
    primary = crm.create_company(one, name="Difference Engines", phone="+12025550102")
    crm.state.associate("deals", one, "companies", older)

    found = context(hubspot.read([deal(one)], {**FIELDS, "company": {"name", "phone"}}), one)

    assert found.fields["company"]["id"] == primary
    assert found.fields["company"]["phone"] == "+12025550102"
    assert found.fields["contact"]["firstname"] == "Ada"


def test_a_deal_without_a_company_has_an_empty_one(crm: Sandbox, hubspot: Adapter) -> None:
    one = crm.create_deal()

    assert context(hubspot.read([deal(one)], {"company": {"phone"}}), one).fields["company"] == {}


def test_companies_need_their_scope_only_where_a_rule_asks_for_them(crm: Sandbox, hubspot: Adapter) -> None:
    one = crm.create_deal(contacts=[crm.create_contact()])
    crm.create_company(one)
    crm.account.scopes.discard("crm.objects.companies.read")

    assert context(hubspot.read([deal(one)], FIELDS), one).fields["company"] == {}
    with pytest.raises(TemporaryError, match=r"crm\.objects\.companies\.read"):
        hubspot.read([deal(one)], {"company": {"phone"}})
