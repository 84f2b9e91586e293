"""Every file in examples/workflows/ says to its reader what it is for; tests/flow/test_examples.py runs them all."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "workflows"
FILES = sorted(FOLDER.glob("*.yaml"))


def test_the_readme_names_each_example() -> None:
    readme = (FOLDER / "README.md").read_text()
    assert len(FILES) >= 12
    assert [file.name for file in FILES if f"({file.name})" not in readme] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_begins_with_its_schema_and_a_word_to_its_reader(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert lines[0] == "# yaml-language-server: $schema=../../connector/mapping/rules.schema.json"
    assert (FOLDER / "../../connector/mapping/rules.schema.json").exists()
    assert any(line.startswith("# For you if:") for line in lines)
    assert any("Change: the connection" in line or "Change three words" in line for line in lines)
