"""Queries as generated clients write them."""

import pytest

from tests.call_api.conftest import Running


@pytest.mark.parametrize("written", ["metadata.deal_id", "metadata[deal_id]"])
def test_a_field_of_metadata_is_found_in_both_ways_of_writing_it(running: Running, written: str) -> None:
    found = running.client.call(metadata={"deal_id": "9001"})
    running.client.call(metadata={"deal_id": "9002"})
    calls = running.client.get("/calls", params={written: "9001"}).json()["calls"]
    assert [call["id"] for call in calls] == [found]


def test_a_name_with_brackets_is_written_with_a_dot(running: Running) -> None:
    found = running.client.call(metadata={"deal[id]": "9001"})
    calls = running.client.get("/calls", params={"metadata.deal[id]": "9001"}).json()["calls"]
    assert [call["id"] for call in calls] == [found]


@pytest.mark.parametrize(
    "query",
    [
        "metadata[deal][id]=1",
        "metadata[deal=1",
        "limit=1&limit=2",
        "metadata[x]=1&metadata[x]=2",
        "limit=1&limit=1",
    ],
)
def test_what_could_mean_two_things_is_refused(running: Running, query: str) -> None:
    answer = running.client.get(f"/calls?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert answer.json()["field"] == query.partition("=")[0]


@pytest.mark.parametrize(
    ("query", "said"),
    [("colour=red", "possible: "), ("phone_numbr=1", "did you mean phone_number?")],
)
def test_a_parameter_that_does_not_exist_is_refused(running: Running, query: str, said: str) -> None:
    answer = running.client.get(f"/calls?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert said in answer.json()["error"]
