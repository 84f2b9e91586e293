"""Who may import whom: the table in design section 5, held by reading the imports."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {
    "connector/model.py": set(),
    "connector/errors.py": set(),
    "connector/mapping": {"connector.model", "connector.errors", "connector.mapping", "connector.policy"},
    "connector/policy": {"connector.model", "connector.errors", "connector.policy"},
    "connector/store": {"connector.model", "connector.errors", "connector.store"},
    "connector/database.py": {"connector.model", "connector.errors", "connector.embedded"},
    "connector/embedded.py": {"connector.errors"},
    "connector/jobs.py": {"connector.model", "connector.errors"},
    "connector/adapter.py": {"connector.model", "connector.errors", "adapters"},
    "connector/call_api": {
        "connector.__version__",
        "connector.model",
        "connector.errors",
        "connector.policy",
        "connector.store",
        "connector.database",
        "connector.jobs",
        "connector.call_api",
    },
}


def _imports(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module in ("connector", "adapters"):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
                found.discard(node.module)
    return {name for name in found if name.split(".")[0] in ("connector", "adapters")}


def _files(place: str) -> list[Path]:
    path = ROOT / place
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def _inside(name: str, allowed: set[str]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in allowed)


@pytest.mark.parametrize("place", ALLOWED)
def test_a_room_imports_only_what_it_may(place: str) -> None:
    files = [file for file in _files(place) if "migrations" not in file.parts]
    assert files
    wrong = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        for name in _imports(file)
        if not _inside(name, ALLOWED[place])
    }
    assert not wrong


def test_the_connector_names_no_adapter() -> None:
    wrong = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in _files("connector")
        for name in _imports(file)
        if name.startswith("adapters.") and file.name != "demo.py"
    }
    assert not wrong


def test_an_adapter_imports_the_contract_and_itself_only() -> None:
    wrong = set()
    for folder in (path for path in (ROOT / "adapters").iterdir() if path.is_dir()):
        allowed = {"connector.adapter", "connector.model", "connector.errors", f"adapters.{folder.name}"}
        for file in folder.rglob("*.py"):
            wrong |= {f"{file.name} imports {name}" for name in _imports(file) if not _inside(name, allowed)}
    assert not wrong
