"""What carriers' events say of our calls, applied as a look-up would be."""

from collections.abc import Sequence

import sqlalchemy as sa

from connector.call_api.calls import ids_at_carrier, lock_calls
from connector.call_api.carriers import Carrier, Report
from connector.call_api.ids import as_uuid
from connector.call_api.moving import move_calls
from connector.call_api.progress import after_sighting
from connector.model import Clock


def apply_reports(conn: sa.Connection, carrier: Carrier, reports: Sequence[Report], clock: Clock) -> int:
    """Move this carrier's calls by what it reports, in the caller's commit; return how many reports were of ours.

    A report of a call that we do not know (yet) is left out: its look-up will tell the same.
    """
    ours = ids_at_carrier(
        conn,
        carrier.name,
        call_ids=[known for report in reports if (known := as_uuid(report.call_id)) is not None],
        provider_call_ids=[report.sighting.provider_call_id for report in reports],
    )
    rows = dict(lock_calls(conn, list(ours.values())))
    now = clock()
    matched = 0
    for report in reports:  # in turn: two of them may be of one call
        call_id = ours.get(as_uuid(report.call_id) or "") or ours.get(report.sighting.provider_call_id)
        if call_id is None:
            continue
        matched += 1
        row = rows[call_id]
        for moved in move_calls(conn, [(row, after_sighting(row, report.sighting, now))], now):
            rows[call_id] = moved
    return matched
