"""Nothing that is read can run: no pickles, no eval, no loaders that build objects."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "tamis"

ALLOWED = {
    "runtime/worker_process.py": "messages between a process and its own child",
    "runtime/ray_workers.py": "messages between a process and the workers that it started",
    "encoders/legacy_checkpoint.py": "a reader of its own that looks no name up",
}
FORBIDDEN = {
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load", "marshal.loads"),
    *("shelve.open", "dill.load", "dill.loads", "cloudpickle.load", "cloudpickle.loads"),
    *(
        "joblib.load",
        "yaml.load",
        "yaml.unsafe_load",
        "yaml.full_load",
        "eval",
        "exec",
        "os.system",
    ),
    *("np.fromfile", "pandas.read_pickle", "tar.extractall", "archive.extractall"),
}
MUST_SAY = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}


def findings(text: str, name: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            found += [
                f"{name}: class of {base}"
                for base in map(ast.unparse, node.bases)
                if base in FORBIDDEN
            ]
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        said = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
        if called in FORBIDDEN or called.endswith((".extractall", ".unsafe_load")):
            found.append(f"{name}:{node.lineno}: {called}")
        if called in MUST_SAY and said.get(MUST_SAY[called][0]) is not MUST_SAY[called][1]:
            found.append(f"{name}:{node.lineno}: {called} without {MUST_SAY[called]}")
        if said.get("shell") is True or said.get("trust_remote_code") is True:
            found.append(f"{name}:{node.lineno}: {called} runs what it is given")
    return found


def test_no_reader_runs_what_it_reads() -> None:
    found = []
    for file in SOURCE.rglob("*.py"):
        name = file.relative_to(SOURCE).as_posix()
        if name not in ALLOWED:
            found += findings(file.read_text(encoding="utf-8"), name)
    assert found == []


def test_what_is_allowed_is_there() -> None:
    for name in ALLOWED:
        assert findings((SOURCE / name).read_text(encoding="utf-8"), name)


@pytest.mark.parametrize(
    "line",
    [
        "import pickle; pickle.loads(data)",
        "torch.load(file)",
        "torch.load(file, weights_only=False)",
        "np.load(file, allow_pickle=True)",
        "np.load(file)",
        "yaml.load(text)",
        "archive.extractall()",
        "subprocess.run(text, shell=True)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "class Reader(pickle.Unpickler): pass",
        "eval(text)",
    ],
)
def test_each_of_these_would_be_found(line: str) -> None:
    assert findings(line, "x.py")
