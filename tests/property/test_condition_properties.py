"""Conditions that are made by a grammar: rows are those that plain Python finds."""

from __future__ import annotations

import math
import operator
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.dataset.conditions import all_of, any_of, checked_condition
from tamis.dataset.store import Store
from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

Row = dict[str, Any]

LABELS = [None, "cat", "Cat", "it's", "a%b", "a_b", "", "kätzchen", "x;y", "dog -- 1", "\\", "%"]
WIDTHS = [None, -7, 0, 1, 2, 3, 640, 1000]
SHARPNESS = [None, 0.0, 0.5, 2.0, -1.25]
TAGS = [None, [], ["a"], ["a", "it's"], ["b", "%"]]


class Made(NamedTuple):
    """A condition or value: its text, how tightly it binds, and what it is of a row."""

    text: str
    binds: int
    of: Callable[[Row], Any]


OR, AND, NOT, COMPARED, SUM, PRODUCT, VALUE = range(7)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [
        {
            "sample_id": f"{number:032x}",
            "label": LABELS[number % len(LABELS)],
            "width": WIDTHS[number % len(WIDTHS)],
            "sharpness": SHARPNESS[number % len(SHARPNESS)],
            "selected": [None, True, False][number % 3],
            "tags": TAGS[(number // 2) % len(TAGS)],
        }
        for number in range(120)
    ]


@pytest.fixture(scope="module")
def store(tmp_path_factory, rows) -> Store:
    store = Store.create(tmp_path_factory.mktemp("conditions") / "d.tamis")
    with store.operation("add") as op:
        names = ["sample_id", "label", "width", "sharpness"]
        op.insert(pa.table({name: [row[name] for row in rows] for name in names}))
    with store.operation("mark") as op:
        ids = [row["sample_id"] for row in rows]
        op.set_marks(ids, {"selected": pa.array([row["selected"] for row in rows], pa.bool_())})
        tags = pa.array([row["tags"] for row in rows], pa.list_(pa.string()))
        op.set_marks(ids, {"tags": tags})
    return store


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def within(made: Made, binds: int) -> str:
    return made.text if made.binds >= binds else f"({made.text})"


def strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of values that is unknown where one of them is."""
    return lambda *values: None if None in values else function(*values)


def like(text: str, pattern: str, flags: int) -> bool:
    parts, escaped = "", False
    for at, character in enumerate(pattern, 1):
        # the last character has nothing to escape: it stands for itself
        if character == "\\" and not escaped and at < len(pattern):
            escaped = True
            continue
        wild = {"%": ".*", "_": "."}.get(character)
        parts += re.escape(character) if escaped or wild is None else wild
        escaped = False
    return re.fullmatch(parts, text, re.DOTALL | flags) is not None


# Values


def column(name: str) -> Made:
    return Made(name, VALUE, lambda row: row[name])


def number(value: int) -> Made:
    return Made(str(value), VALUE if value >= 0 else PRODUCT, lambda _row: value)


def computed(left: Made, sign: str, right: Made) -> Made:
    how = {"+": operator.add, "-": operator.sub, "*": operator.mul}[sign]
    binds = PRODUCT if sign == "*" else SUM
    text = f"{within(left, binds)} {sign} {within(right, binds + 1)}"
    return Made(text, binds, lambda row: strict(how)(left.of(row), right.of(row)))


def remainder(left: Made, by: int) -> Made:
    text = f"{within(left, PRODUCT)} % {by}"
    return Made(text, PRODUCT, lambda row: strict(lambda v: int(math.fmod(v, by)))(left.of(row)))


numbers = st.recursive(
    st.just(column("width")) | st.integers(-20, 20).map(number),
    lambda inner: (
        st.builds(computed, inner, st.sampled_from("+-*"), inner)
        | st.builds(remainder, inner, st.integers(1, 9))
    ),
    max_leaves=4,
)
words = st.sampled_from([label for label in LABELS if label is not None]) | st.text(
    "abCä%_'\" ;-", max_size=4
)
texts = st.just(column("label")) | st.sampled_from(
    [Made("lower(label)", VALUE, lambda row: strict(str.lower)(row["label"]))]
)

# Conditions

SIGNS = {
    "=": operator.eq,
    "==": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compared(left: Made, sign: str, right: Made) -> Made:
    text = f"{within(left, SUM)} {sign} {within(right, SUM)}"
    return Made(text, COMPARED, lambda row: strict(SIGNS[sign])(left.of(row), right.of(row)))


def word(text: str) -> Made:
    return Made(quoted(text), VALUE, lambda _row: text)


def negated(found: bool | None, no: bool) -> bool | None:
    return None if found is None else found != no


def between(value: Made, low: int, high: int, no: bool) -> Made:
    text = f"{within(value, SUM)} {'NOT ' * no}BETWEEN {low} AND {high}"
    inside = strict(lambda v: low <= v <= high)
    return Made(text, COMPARED, lambda row: negated(inside(value.of(row)), no))


def among(value: Made, values: list[Any], no: bool) -> Made:
    listed = ", ".join(quoted(v) if isinstance(v, str) else str(v) for v in values)
    text = f"{within(value, SUM)} {'NOT ' * no}IN ({listed})"
    inside = strict(lambda v: v in values)
    return Made(text, COMPARED, lambda row: negated(inside(value.of(row)), no))


def resembles(value: Made, verb: str, pattern: str, no: bool) -> Made:
    flags = re.IGNORECASE if verb == "ILIKE" else 0
    text = f"{value.text} {'NOT ' * no}{verb} {quoted(pattern)}"
    found = strict(lambda v: like(v, pattern, flags))
    return Made(text, COMPARED, lambda row: negated(found(value.of(row)), no))


def absent(value: Made, no: bool) -> Made:
    text = f"{within(value, SUM)} IS {'NOT ' * no}NULL"
    return Made(text, COMPARED, lambda row: (value.of(row) is None) != no)


def truth(value: bool, no: bool) -> Made:
    text = f"selected IS {'NOT ' * no}{str(value).upper()}"
    return Made(text, COMPARED, lambda row: (row["selected"] is value) != no)


def distinct(value: Made, other: int, no: bool) -> Made:
    text = f"{within(value, SUM)} IS {'NOT ' * no}DISTINCT FROM {other}"
    return Made(text, COMPARED, lambda row: (value.of(row) != other) != no)


def holds(tag: str) -> Made:
    found = strict(lambda tags: tag in tags)
    return Made(f"array_has(tags, {quoted(tag)})", VALUE, lambda row: found(row["tags"]))


def starts(beginning: str) -> Made:
    found = strict(lambda label: label.startswith(beginning))
    text = f"starts_with(label, {quoted(beginning)})"
    return Made(text, VALUE, lambda row: found(row["label"]))


def inverted(made: Made) -> Made:
    return Made(f"NOT {within(made, NOT)}", NOT, lambda row: negated(made.of(row), True))


def both(left: Made, right: Made) -> Made:
    def of(row: Row) -> bool | None:
        values = (left.of(row), right.of(row))
        return False if False in values else None if None in values else True

    return Made(f"{within(left, AND)} AND {within(right, AND)}", AND, of)


def either(left: Made, right: Made) -> Made:
    def of(row: Row) -> bool | None:
        values = (left.of(row), right.of(row))
        return True if True in values else None if None in values else False

    return Made(f"{within(left, OR)} OR {within(right, OR)}", OR, of)


simple = st.one_of(
    st.builds(compared, numbers, st.sampled_from(list(SIGNS)), numbers),
    st.builds(compared, texts, st.sampled_from(list(SIGNS)), words.map(word)),
    st.builds(between, numbers, st.integers(-9, 9), st.integers(-9, 900), st.booleans()),
    st.builds(among, numbers, st.lists(st.integers(-9, 9), min_size=1, max_size=4), st.booleans()),
    st.builds(among, texts, st.lists(words, min_size=1, max_size=4), st.booleans()),
    st.builds(resembles, texts, st.sampled_from(["LIKE", "ILIKE"]), words, st.booleans()),
    st.builds(absent, numbers | texts, st.booleans()),
    st.builds(truth, st.booleans(), st.booleans()),
    st.builds(distinct, numbers, st.integers(-9, 9), st.booleans()),
    st.builds(holds, st.sampled_from(["a", "it's", "%", "no"])),
    st.builds(starts, st.sampled_from(["c", "", "a%", "it'"])),
    st.just(column("selected")),
    st.sampled_from(
        [Made("sharpness > .5", COMPARED, lambda r: strict(lambda v: v > 0.5)(r["sharpness"]))]
    ),
)
conditions = st.recursive(
    simple,
    lambda inner: (
        st.builds(inverted, inner) | st.builds(both, inner, inner) | st.builds(either, inner, inner)
    ),
    max_leaves=6,
)


def found(store: Store, where: str | None) -> set[str]:
    return set(store.read(["sample_id"], where)["sample_id"].to_pylist())


def meeting(rows: list[Row], made: Made) -> set[str]:
    return {row["sample_id"] for row in rows if made.of(row) is True}


def respelt(text: str, spaces: str) -> str:
    """The same condition in other words: spaces, comments, small keywords, outside quotes."""
    parts = re.split(r"('(?:[^']|'')*')", text)
    outside = [
        part if part.startswith("'") else part.lower().replace(" ", spaces) for part in parts
    ]
    return "".join(outside)


@settings(max_examples=80, deadline=None)
@example(made=resembles(column("label"), "LIKE", "\\", False), spaces=" ")
@given(made=conditions, spaces=st.sampled_from([" ", "  ", "\n\t", " /* it's ( */ ", " -- ')\n"]))
def test_rows_are_those_that_python_finds(store, rows, made, spaces):
    expected = meeting(rows, made)
    assert found(store, made.text) == expected
    assert found(store, respelt(made.text, spaces)) == expected
    assert store.count(made.text) == len(expected)


@settings(max_examples=25, deadline=None)
@given(one=conditions, two=conditions)
def test_joined_conditions_mean_what_their_parts_mean(store, rows, one, two):
    assert found(store, all_of(one.text, two.text)) == meeting(rows, both(one, two))
    assert found(store, any_of(one.text, two.text)) == meeting(rows, either(one, two))


PIECES = [
    *("label", "width", "tags", "selected", "nosuch", "'a'", "'it''s'", '"a"', "`", "'", "1", "-1"),
    *("1.5", "1e9", "2147483648", "9999999999999999999999", "NULL", "TRUE", "AND", "OR", "NOT"),
    *("IN", "IS", "LIKE", "BETWEEN", "DISTINCT FROM", "CAST(", "AS", "int", "string", "CASE"),
    *("WHEN", "THEN", "END", "SELECT", "timestamp '2026-01-01'", "repeat(", "lower(", "date_part("),
    *("regexp_like(", "array_has(", "(", ")", "[", "]", ",", ";", "?", "$1", ":", "@", "=", "=="),
    *("<>", "<", ">", "+", "-", "*", "/", "%", "||", "--", "/*", "*/", ".", "\\", "\0"),
]


def without_one_character(made: Made) -> st.SearchStrategy[str]:
    places = st.integers(0, len(made.text))
    return places.map(lambda at: made.text[:at] + made.text[at + 1 :])


@settings(max_examples=200, deadline=None)
@given(
    text=st.one_of(
        st.text(max_size=30),
        st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join),
        conditions.flatmap(without_one_character),
    )
)
@example(text="label = ?")
@example(text="repeat('a', 2000000000) = label")
@example(text="width / 0 = 1")
def test_whatever_is_written_gives_rows_or_one_sentence(store, text):
    try:
        found(store, text)
    except UsageError as error:
        sentence = str(error)
    else:
        sentence = None
        assert checked_condition(text, store.columns())
    assert sentence is None or ("cannot be used" in sentence and "\n" not in sentence)
