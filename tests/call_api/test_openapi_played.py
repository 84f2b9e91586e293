"""schemathesis plays the document against a real `stagecall serve`, with every check it has and one of ours."""

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from tests.call_api.playing import play, serving

REQUESTS = 70
"""Of each operation, in each phase that makes requests up."""


def test_the_server_does_what_its_document_says(
    database_url: str, engine: sa.Engine, tmp_path: Path, counted: Callable[[str, str], None]
) -> None:
    with serving(tmp_path, database_url) as api:
        arguments = ("--generation-deterministic",)
        output, report = play(api, tmp_path, requests_each=REQUESTS, arguments=arguments)
    assert report, output
    cases, operations = report["test_cases"]["generated"], report["operations"]
    counted("schemathesis", f"{cases} cases over {operations['tested']} operations")
    assert (report["failures"], report["errors"], report["exit_code"]) == ([], [], 0), output
    assert operations["tested"] == operations["total"] > 15
    phases = {name: phase["status"] for name, phase in report["phases"].items()}
    assert phases == dict.fromkeys(("examples", "coverage", "fuzzing", "stateful"), "success")
    assert cases >= 2000
    # and it was not all refusals: every operation did its work. A carrier's events need the carrier's proof.
    worked = {
        operation
        for operation, phases in report["valid_rates"].items()
        if any(phase["accepted"] for phase in phases.values())
    }
    assert len(worked) == operations["total"] - 1, output
