"""What a person asks of the versions of a rule file: which there were, what changed, and an older one back."""

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa

from connector.adapter import Adapter
from connector.errors import ConfigError, PermanentError
from connector.rulebook import load_file, read_text
from connector.store import rule_files
from connector.store.rule_files import PastVersion

SHORT = 12
"""So many characters of a version are shown, and four are enough to name one."""


def history(conn: sa.Connection, file: Path | None) -> list[PastVersion]:
    """What came in force, newest first; of every file, or of one. Raises PermanentError where none is known."""
    found = list(rule_files.history(conn, str(file) if file is not None else None))
    if not found:
        known = (
            ", ".join(each.file for each in rule_files.states(conn)) or "none yet: start `stagecall serve`"
        )
        raise PermanentError(
            f"nothing is known of {file or 'any rule file'}; files that were in force: {known}"
        )
    return found


def lines(found: Sequence[PastVersion]) -> Iterator[str]:
    """The same for a person to read; the first of each file is in force."""
    seen: set[str] = set()
    for each in found:
        mark = "" if each.file in seen else "  in force"
        seen.add(each.file)
        yield f"{each.at:%Y-%m-%d %H:%M:%S} UTC  {each.version[:SHORT]}  {each.file}{mark}"


def diff(conn: sa.Connection, file: Path, old: str | None, new: str | None) -> Iterator[str]:
    """What changed from `old` (left out: the version before) to `new` (left out: the one in force)."""
    versions = history(conn, file)
    after = find(versions, new) if new else versions[0]
    before = find(versions, old) if old else _before(versions, after)
    if before.text == after.text:
        yield f"{file} says in {after.version[:SHORT]} what it said in {before.version[:SHORT]}: nothing has changed"
    yield from difflib.unified_diff(
        before.text.splitlines(),
        after.text.splitlines(),
        f"{before.file} {before.version[:SHORT]} {before.at:%Y-%m-%d %H:%M:%S} UTC",
        f"{after.file} {after.version[:SHORT]} {after.at:%Y-%m-%d %H:%M:%S} UTC",
        lineterm="",
    )


def roll_back(
    conn: sa.Connection, file: Path, version: str | None, adapters: Mapping[str, Adapter]
) -> tuple[PastVersion, Path | None]:
    """Write an older version into the file; running workers take it from there.

    Left out, it is the one in force where the file has another text (one that does not load), else the one before.

    Returns it, and where the file's text went if it is not kept as a version. Raises PermanentError where
    there is no such version or it does not load any more.
    """
    versions = history(conn, file)
    target = find(versions, version) if version else _wanted(file, versions)
    try:
        load_file(str(file), target.text, adapters)
    except ConfigError as error:
        raise PermanentError(f"version {target.version[:SHORT]} does not load any more: {error}") from None
    saved = _save_unknown(file, {each.text for each in versions})
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(target.text, encoding="utf-8")
    os.replace(beside, file)
    return target, saved


def find(versions: Sequence[PastVersion], start: str) -> PastVersion:
    """The version whose name begins so. Raises PermanentError for none or several."""
    found = {each.version: each for each in versions if each.version.startswith(start)}
    if len(start) < 4 or len(found) != 1:
        what = (
            "no version" if not found else f"{len(found)} versions" if len(found) > 1 else "too short a word"
        )
        known = ", ".join(dict.fromkeys(each.version[:SHORT] for each in versions))
        raise PermanentError(f'{what} for "{start}"; there are: {known}')
    return next(iter(found.values()))


def _wanted(file: Path, versions: Sequence[PastVersion]) -> PastVersion:
    try:
        in_force = read_text(file) == versions[0].text
    except ConfigError:
        in_force = False
    return _before(versions, versions[0]) if in_force else versions[0]


def _before(versions: Sequence[PastVersion], current: PastVersion) -> PastVersion:
    older = versions[list(versions).index(current) + 1 :]
    older = [each for each in older if each.version != current.version]
    if not older:
        raise PermanentError(f"{current.file} had no other version before {current.version[:SHORT]}")
    return older[0]


def _save_unknown(file: Path, known: set[str]) -> Path | None:
    """Copy a text that is kept nowhere, for instance one that does not load, beside the file."""
    try:
        text = read_text(file)
    except ConfigError:
        return None
    if text in known:
        return None
    saved = file.with_name(f"{file.name}.before-rollback")
    saved.write_text(text, encoding="utf-8")
    return saved
