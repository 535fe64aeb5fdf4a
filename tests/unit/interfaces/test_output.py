"""Tables: whole lines for files and programs, folded cells only on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from tamis.interfaces.cli.output import Output

LONG = "a/" * 120 + "picture 1.jpg"


def printed(columns, rows, *, terminal=False, width=80, **options):
    output, file = Output(), io.StringIO()
    output._out = Console(
        file=file,
        force_terminal=terminal,
        width=width,
        soft_wrap=True,
        no_color=True,
        highlight=False,
    )
    output.table(columns, rows, **options)
    return file.getvalue()


def test_a_file_gets_each_row_as_one_whole_line():
    lines = printed(["path", "score"], [(LONG, 0.123456789), ("b.jpg", 2)]).splitlines()
    assert len(lines) == 3
    assert lines[1].split("  ")[0] == LONG
    assert lines[1].endswith("0.1235")


def test_columns_are_aligned_by_the_width_of_letters_and_numbers_to_the_right():
    rows = [("写真.jpg", 5), ("a.jpg", 12345)]
    head, first, second = printed(["path", "n"], rows).splitlines()
    assert first.endswith("    5")
    assert second == "a.jpg     12345"  # each of the two letters above is two columns wide
    assert head == "path          n"


def test_a_line_break_in_a_name_makes_no_second_line():
    assert len(printed(["path"], [("a\nb.jpg",)]).splitlines()) == 2


def test_a_terminal_gets_folded_cells_and_loses_nothing():
    told = printed(["path", "score"], [(LONG, 0.5)], terminal=True, width=60)
    assert len(told.splitlines()) > 3
    assert "…" not in told


def test_a_wide_cell_moves_its_own_row_alone():
    lines = printed(["path", "n"], [(LONG, 5), ("b.jpg", 7)]).splitlines()
    assert [len(line) for line in lines] == [53, len(LONG) + 3, 53]


def test_a_command_stands_whole_below_its_row_on_a_terminal():
    row = ("add", 27, "tamis add photos --labels folder" + " x" * 40)
    assert len(printed(["verb", "n", "command"], [row], last_below=True).splitlines()) == 2
    head, first, second = printed(
        ["verb", "n", "command"], [row], terminal=True, width=60, last_below=True
    ).splitlines()
    assert ("verb" in head, "command" in head) == (True, False)
    assert first.split() == ["add", "27"]
    assert second.strip() == row[2]


def test_no_rows_no_table():
    assert printed(["path"], []) == ""
