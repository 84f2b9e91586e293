"""A file that cannot be read: why, and which one may be meant."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from connector.mapping.words import listed, nearest

_YAML: Final = (".yaml", ".yml")
_NEAR: Final = (".", "rules", "examples/workflows", "examples/records")


def not_read(file: Path, error: OSError) -> str:
    """Say why a file cannot be read, and which may be meant: "cannot be read (no such file); did you mean ...?"."""
    if file.is_dir():
        inside = sorted(each for each in file.iterdir() if each.suffix in _YAML)
        named = f": {listed(map(str, inside))}" if inside else ""
        return f"is a folder; name a file in it{named}"
    why = str(error.strerror)
    if not isinstance(error, FileNotFoundError):
        return f"cannot be read ({why})"
    there = list(dict.fromkeys(_beside(file)))
    by_stem = {each.stem: str(each) for each in reversed(there)}
    meant = by_stem.get(file.stem) or by_stem.get(nearest(file.stem, by_stem) or "")
    near = [str(each) for each in there if each.parent in (file.parent, Path("rules"))]
    hint = f"did you mean {meant}?" if meant else f"there are: {listed(near)}" if near else ""
    return f"cannot be read ({why}){f'; {hint}' if hint else ''}"


def _beside(file: Path) -> Iterator[Path]:
    """Files of this kind beside one that is not there, and where such files usually are."""
    kinds = _YAML if file.suffix in ("", *_YAML) else (file.suffix,)
    for folder in dict.fromkeys((file.parent, *map(Path, _NEAR))):
        if folder.is_dir():
            yield from sorted(each for each in folder.iterdir() if each.suffix in kinds)
