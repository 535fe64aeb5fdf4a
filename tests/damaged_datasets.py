"""Datasets with one damaged file: which files there are, and the ways they break."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _wrong_types(data: bytes) -> bytes:
    values = json.loads(data)
    return json.dumps(
        {name: [3] if isinstance(value, int | str) else "x" for name, value in values.items()}
    ).encode()


def _without_first_field(data: bytes) -> bytes:
    values = json.loads(data)
    del values[next(iter(values))]
    return json.dumps(values).encode()


ANY_FILE: dict[str, Callable[[bytes], bytes] | None] = {
    "missing": None,
    "emptied": lambda _data: b"",
    "cut in half": lambda data: data[: len(data) // 2],
    "other bytes first": lambda data: b"\xff\xfe" + data[2:],
    "zeros": lambda data: bytes(len(data)),
}
JSON_FILE: dict[str, Callable[[bytes], bytes] | None] = {
    **ANY_FILE,
    "other bytes within": lambda data: data[: len(data) // 2] + b"\xff" + data[len(data) // 2 :],
    "null": lambda _data: b"null",
    "a list": lambda _data: b"[]",
    "a text": lambda _data: b'"x"',
    "wrong types": _wrong_types,
    "a field less": _without_first_field,
    "nested too deeply": lambda _data: b"[" * 100_000,
}


def kinds_of_files(dataset: Path) -> dict[str, Path]:
    """One file of each kind that a dataset has, as a path within it; of each, the newest."""
    kinds: dict[str, Path] = {}
    unneeded = ("lock", "latest_version_hint.json")
    files = [f for f in dataset.rglob("*") if f.is_file() and f.name not in unneeded]
    for file in sorted(files, key=lambda file: file.stat().st_mtime_ns):
        place = file.relative_to(dataset)
        kinds["/".join([*place.parts[:-1], f"*{file.suffix}"])] = place
    kinds["log/*.json (the first)"] = min(
        file.relative_to(dataset) for file in (dataset / "log").glob("*.json")
    )
    largest = max((dataset / "samples.lance" / "data").iterdir(), key=lambda f: f.stat().st_size)
    kinds["samples.lance/data/*.lance (the largest)"] = largest.relative_to(dataset)
    return kinds


def ways_to_break(file: Path) -> dict[str, Callable[[bytes], bytes] | None]:
    return JSON_FILE if file.suffix == ".json" and "_versions" not in file.parts else ANY_FILE


def damaged_copy(dataset: Path, file: Path, way: str, to: Path) -> Path:
    """Copy a dataset with one of its files broken in one way."""
    shutil.copytree(dataset, to)
    broken = ways_to_break(file)[way]
    target = to / file
    data = target.read_bytes()
    target.unlink()
    if broken is not None:
        target.write_bytes(broken(data))
    return to
