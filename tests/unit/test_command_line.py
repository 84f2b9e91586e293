"""What the command line says of a slip: what to write instead, in the same line."""

import shlex
from datetime import UTC
from pathlib import Path

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.moments import given_moment

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as a marketer has it: rules/mine.yaml and a record ada.yaml beside it."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/mine.yaml").write_text(
        (ROOT / "examples/workflows/call-demo-requests.yaml").read_text()
    )
    (tmp_path / "ada.yaml").write_text((ROOT / "examples/records/ada.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


PREVIEW = "preview rules/mine.yaml --record ada.yaml"
SLIPS = [
    (
        f"{PREVIEW} --at 2026-11-30 8pm",
        "a moment is one word, or stands in quotes: write 2026-11-30T20:00Z, by the clock of UTC",
    ),
    (f"{PREVIEW} --at 2026-11-30T8pm", '"2026-11-30T8pm" is not a moment; write 2026-11-30T20:00Z'),
    (f"{PREVIEW} --at tomorrow", '"tomorrow" is not a moment; write one like 2026-11-29T23:30Z'),
    (
        f"{PREVIEW} --at 2026-12-05T23:30",
        "does not say by which clock; write 2026-12-05T23:30Z, by the clock of UTC",
    ),
    (
        "preview rules/mine.yaml ada.yaml --at 2026-11-30 8pm",
        '"2026-11-30 20:00 America/New_York", by that of a place; a record is named with --record',
    ),
    (f"{PREVIEW} --stage Contract sent", 'several words stand in quotes: --stage "Contract sent"'),
    (
        f"{PREVIEW} --at 2026-11-30 23:30",
        'write 2026-11-30T23:30Z, by the clock of UTC, or "2026-11-30 23:30 America/New_York", by that of a place',
    ),
    (
        f'{PREVIEW} --at "2026-11-30 8pm Europe/London"',
        'write "2026-11-30 20:00 Europe/London"',
    ),
    (
        f'{PREVIEW} --at "2026-11-30 20:00 Phoenix"',
        '"Phoenix" is not a time zone; did you mean America/Phoenix?',
    ),
    (
        f'{PREVIEW} --at "2026-11-30 14:00 New York"',
        '"New York" is not a time zone; did you mean America/New_York?',
    ),
    (f'{PREVIEW} --at "2026-11-30 14:00 ET"', '"ET" is not a time zone'),
    (f'{PREVIEW} --at "2026-11-30 2:00 pm America/New_York"', 'write "2026-11-30 14:00 America/New_York"'),
    (f'{PREVIEW} --at "2026-11-30 2:00 pm"', 'or "2026-11-30 14:00 America/New_York", by that of a place'),
    (f'{PREVIEW} --at "2026-11-30 noon"', "write 2026-11-30T12:00Z, by the clock of UTC"),
    (
        f'{PREVIEW} --at "2026-11-30 20:00 Europe/Londn"',
        '"Europe/Londn" is not a time zone; did you mean Europe/London?',
    ),
    (
        f"{PREVIEW} --pipeline Sales",
        "'--pipeline'; it is said in the record file, as pipeline: Sales Pipeline",
    ),
    (f"{PREVIEW} --date tomorrow", "'--date'; the moment is --at 2026-11-29T23:30Z"),
    (f"{PREVIEW} --records x", "'--records'. Did you mean '--record'?"),
    ("preview --record ada.yaml", "name the rule file: stagecall preview rules/mine.yaml --record ada.yaml"),
    (
        "preview rules/mine.yaml ada.yaml",
        "a record is named with --record: stagecall preview rules/mine.yaml --record",
    ),
    (
        "check rules/mine.yaml --record ada.yaml",
        "a record is shown by `stagecall preview RULES --record FILE`",
    ),
    ("previw rules/mine.yaml", "Did you mean 'preview'?"),
    ("check rules/mine.yml", "(No such file or directory); did you mean rules/mine.yaml?"),
    ("check mine.yaml", "(No such file or directory); did you mean rules/mine.yaml?"),
    ("check nothing-like-it", "there are: ada.yaml, rules/mine.yaml"),
    (
        "preview rules/mine.yaml --record ada",
        "ada cannot be read (No such file or directory); did you mean ada.yaml?",
    ),
    ("preview rules --record ada.yaml", "is a folder; name a file in it: rules/mine.yaml"),
    ("check", "A rule file by itself is checked by `stagecall check rules/mine.yaml`"),
    ("check --live rules/mine.yaml", "is not here: it names the accounts"),
    ("check ada.yaml", "is a record, not rules; the rule file comes first"),
    ("preview ada.yaml", "stagecall preview rules/mine.yaml --record ada.yaml"),
    ("preview rules/mine.yaml --record rules/mine.yaml", "is a file of rules, not a record"),
    (
        f"{PREVIEW} --at 2026-11-31",
        '"2026-11-31" is not a moment (day is out of range for month); write one like',
    ),
    (
        f"{PREVIEW} --at 23:30",
        '"23:30" is not a moment; write one like 2026-11-29T23:30Z, by the clock of UTC',
    ),
    (
        f"{PREVIEW} --at 2026-11-30",
        'write 2026-11-30T09:00Z, by the clock of UTC, or "2026-11-30 09:00 America/New_York"',
    ),
]


@pytest.mark.parametrize(("typed", "wanted"), SLIPS, ids=[typed for typed, _ in SLIPS])
def test_a_slip_of_the_command_line_says_what_to_write(typed: str, wanted: str, folder: Path) -> None:
    done = CliRunner().invoke(main, shlex.split(typed))
    assert isinstance(done.exception, SystemExit)
    assert done.exit_code in (1, 2)
    assert wanted in done.output


def test_words_that_are_right_are_left_alone(folder: Path) -> None:
    done = CliRunner().invoke(main, [*PREVIEW.split(), "--stage", "Contract sent"])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-29T23:30-05:00", "2026-11-30T04:30:00+00:00"),
        ("2026-11-29T23:30Z", "2026-11-29T23:30:00+00:00"),
        ("2026-11-29 23:30 America/New_York", "2026-11-30T04:30:00+00:00"),
        ("2026-07-01T09:00 Europe/London", "2026-07-01T08:00:00+00:00"),
        ("2026-07-01 09:00 UTC", "2026-07-01T09:00:00+00:00"),
    ],
)
def test_a_moment_is_by_an_offset_or_by_the_clock_of_a_place(text: str, wanted: str) -> None:
    assert given_moment(text).astimezone(UTC).isoformat() == wanted
