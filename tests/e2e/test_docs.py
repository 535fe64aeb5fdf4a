"""The documentation runs: every `console` and `python` block, in order, prints what it says."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest

from command_line import as_a_program, in_process_of_its_own, in_this_process
from made_videos import scenes, write_video

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guides").glob("*.md"))]
FROM_NOTHING = {"README.md", "getting-started.md", "curate.md"}
"""Pages that begin with a folder of pictures; the others go on from an embedded dataset."""

WITH_OBJECTS = {"object-stores.md"}
"""Pages that need the extra `objects` and begin with the photos at `s3://photos/monday/`."""

WITH_VIDEO = {"video.md"}
"""Pages that need the extra `video` and begin with `line3.mp4`: 6 s of three scenes."""

TAMIS = Path(sys.executable).with_name("tamis")
LENIENT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (\w+\.py)\n")
"""The first line of a `python` block that the blocks after it use as a file."""
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")


class Block(NamedTuple):
    language: str
    text: str
    line: int


class Command(NamedTuple):
    words: list[str]
    expected: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(match[1], match[2], text.count("\n", 0, match.start()) + 1)
        for match in _BLOCK.finditer(text)
    ]


def commands(text: str) -> list[Command]:
    """Split a console block into commands and the output shown below each."""
    found: list[Command] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Command(shlex.split(line[2:], comments=True), ""))
        else:
            last = found.pop()
            found.append(Command(last.words, f"{last.expected}{line}\n"))
    return found


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, photos_master: Path) -> Path:
    """A folder with `photos` and, as `kept.tamis`, the dataset that most guides start from."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(photos_master, folder / "photos")
    for arguments in (["add", "photos", "--labels", "folder"], ["embed"]):
        run_command([*arguments, "--quiet"], folder)
    (folder / "dataset.tamis").rename(folder / "kept.tamis")
    return folder


@pytest.fixture
def workplace(embedded: Path, request: pytest.FixtureRequest) -> Path:
    """The folder of `embedded` without what the page before left there."""
    for entry in embedded.iterdir():
        if entry.name not in {"photos", "kept.tamis"}:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    page = request.node.callspec.params["page"].name
    if page in WITH_VIDEO:
        pytest.importorskip("av")
        write_video(embedded / "line3.mp4", scenes([101, 102, 103], 20, (320, 240)))
    if page in WITH_OBJECTS:
        server = request.getfixturevalue("object_server")
        files = [file for file in (embedded / "photos").rglob("*") if file.is_file()]
        server.objects = {
            f"monday/{file.relative_to(embedded / 'photos').as_posix()}": file.read_bytes()
            for file in files
        }
    if page not in FROM_NOTHING:
        shutil.copytree(embedded / "kept.tamis", embedded / "dataset.tamis")
    return embedded


def run_command(words: list[str], folder: Path, *, process: bool = False) -> str:
    """Return what `tamis` prints, from the installed program or in this process."""
    if process:
        done = in_process_of_its_own([str(TAMIS), *words], folder, {"PYTHONWARNINGS": "error"})
    else:
        done = in_this_process(words, folder)
    assert done.code == 0, f"tamis {shlex.join(words)}\n{done.out}\n{done.err}"
    return done.out


def run_python(text: str, folder: Path) -> None:
    """Run a block as `python -c` does."""
    with as_a_program(["-c"], folder), mock.patch.object(sys, "path", [str(folder), *sys.path]):
        exec(compile(text, "<example>", "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_runs_and_prints_what_it_says(page: Path, workplace: Path) -> None:
    for block in blocks(page):
        place = f"{page.name}, line {block.line}"
        if block.language == "python":
            if name := _FILE.match(block.text):
                (workplace / name[1]).write_text(block.text, encoding="utf-8")
            run_python(block.text, workplace)
        elif block.language == "console":
            for words, expected in commands(block.text):
                assert words[0] == "tamis", f"{place}: only tamis is run, not {words[0]}"
                printed = run_command(words[1:], workplace, process=page.name == "README.md")
                fits = not expected or doctest.OutputChecker().check_output(
                    expected, printed, LENIENT
                )
                assert fits, f"{place}: {shlex.join(words)} printed\n{printed}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_guide_has_examples_and_every_link_leads_somewhere(page: Path) -> None:
    if page.parent.name == "guides":
        assert {"console", "python"} & {block.language for block in blocks(page)}
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_every_guide_is_named_in_the_readme_and_on_the_site() -> None:
    for place in ("README.md", "mkdocs.yml"):
        text = (ROOT / place).read_text(encoding="utf-8")
        for page in PAGES[1:]:
            assert f"docs/guides/{page.name}" in text, place


def test_what_holds_a_promise_of_security_is_there() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/.]+)`", text)
    assert len(named) > 8
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_verb_is_in_a_guide() -> None:
    shown = run_command(["--help"], ROOT, process=True)
    verbs = re.findall(r"^  ([a-z]+)  ", shown.partition("Commands:")[2], re.MULTILINE)
    assert {"add", "curate", "gc"} <= set(verbs)
    used = {
        command.words[1]
        for page in PAGES
        for block in blocks(page)
        if block.language == "console"
        for command in commands(block.text)
    }
    assert set(verbs) <= used
