"""The gate before sending: whom not to call is never changed while a transaction commits to a call.

Who lets calls go or claims them passes the gate and then reads opt-outs and pauses; who changes those closes it. So
when an opt-out or a pause has been written, every later call sees it, in whichever process.
"""

import sqlalchemy as sa

_GATE = 7_242_004  # any number of our own
_PASS = sa.select(sa.func.pg_advisory_xact_lock_shared(_GATE))
_CLOSE = sa.select(sa.func.pg_advisory_xact_lock(_GATE))


def pass_gate(conn: sa.Connection) -> None:
    """Wait until nobody changes whom not to call; nobody does until this transaction has ended."""
    conn.execute(_PASS)


def close_gate(conn: sa.Connection) -> None:
    """Wait until nobody commits to a call; nobody does until this transaction has ended."""
    conn.execute(_CLOSE)
