"""Conditions are read to their end, bounded, and written anew for Lance."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tamis.dataset.conditions import all_of, any_of, checked_condition, columns_named
from tamis.dataset.store import Store
from tamis.errors import UsageError

COLUMNS = ["label", "width", "tags", "sharpness", "selected", "captured_at", "Odd Name"]


def test_none_is_no_condition() -> None:
    assert checked_condition(None) is None


@pytest.mark.parametrize(
    ("where", "meant"),
    [
        ("width < 5", "`width` < 5"),
        ("(width = 1 OR width=2) AND (selected or (label = 'a'))", None),
        ("label = 'a) ; (b -- c'", "`label` = 'a) ; (b -- c'"),
        ("label = 'it''s (; odd'", "`label` = 'it''s (; odd'"),
        ("`label` = 'x'", "`label` = 'x'"),
        ("`Odd Name` = 'x'", "`Odd Name` = 'x'"),
        ('label = "(;it\'s"', "`label` = '(;it''s'"),
        ("LABEL == 'x'", "`label` = 'x'"),
        ("width < 5 -- small", "`width` < 5"),
        ("width /* in pixels; ( */ < 5", "`width` < 5"),
        ("not selected", "NOT `selected`"),
        ("label is not null and label not in ('a', 'b')", None),
        ("width not between - 1 and 2+3", "`width` NOT BETWEEN - 1 AND 2 + 3"),
        ("label ilike 'a%'", "`label` ILIKE 'a%'"),
        ("label IS DISTINCT FROM 'a'", "(`label` IS DISTINCT FROM 'a')"),
        ("array_has(tags, 'x')", "array_has(`tags`, 'x')"),
        ("tags[1] = 'x'", "`tags`[1] = 'x'"),
        ("tags = ['a', 'b']", "`tags` = ['a', 'b']"),
        ("captured_at >= timestamp '2026-01-31 12:00:00'", None),
        ("CAST(width AS String) = '5'", "CAST(`width` AS string) = '5'"),
        ("regexp_like(label, '^a.*')", "regexp_like(`label`, '^a.*')"),
        ("sharpness > .5 and sharpness < 1e3", "`sharpness` > .5 AND `sharpness` < 1e3"),
        ("true", "TRUE"),
    ],
)
def test_conditions_that_can_be_used(where: str, meant: str | None) -> None:
    checked = checked_condition(where, COLUMNS)
    if meant is not None:
        assert checked == meant
    assert checked_condition(checked, COLUMNS) in (checked, f"({checked})")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("", "it is empty"),
        ("  -- nothing", "it is empty"),
        ("label = 'a'; width", "without a semicolon"),
        ("width = 1)", "parentheses do not match"),
        ("(width = 1", "one is never closed"),
        ("width = 1) OR (width = 2", "parentheses do not match"),
        ("label = ')' AND (width", "one is never closed"),
        ("label = 'a", "a quote ' is opened at character 9 and never closed"),
        ("label = ?", "'\\?' at character 9 stands for a value that is not given"),
        ("label = $1", "stands for a value"),
        ("label = :x", "stands for a value"),
        ("label = @x", "stands for a value"),
        ("width < 5 limit 3", "has no LIMIT"),
        ("width IN (SELECT 1)", "holds no query"),
        ("EXISTS (SELECT 1)", "holds no query"),
        ("CASE WHEN width = 1 THEN true END", "CASE is not supported"),
        ("widht = 1", r"no column 'widht' \(a text stands in 'single quotes'\); is it width\?"),
        ("\"label\" = 'a'", "may mean the column or a text"),
        ("nosuch(width) = 1", "no function 'nosuch'"),
        ("lowr(label) = 'a'", "is it lower?"),
        ("repeat('a', 2000000000) = 'b'", "no function 'repeat'"),
        ("lpad(label, 2000000000, 'x') = 'b'", "no function 'lpad'"),
        ("random() < 0.5", "no function 'random'"),
        ("lower() = 'a'", "lower takes 1 values, not 0"),
        ("lower(label, label) = 'a'", "lower takes 1 values, not 2"),
        ("lower(label", "one is never closed"),
        ("regexp_like(label, label)", "the pattern of regexp_like has to be a text"),
        ("label LIKE lower('a')", "the pattern of LIKE has to be a text"),
        ("label LIKE 'a!%' ESCAPE '!'", "ESCAPE is not supported"),
        ("label SIMILAR TO 'a'", "SIMILAR TO is not supported"),
        ("width = 1 AND", "a value is missing at its end"),
        ("AND width = 1", "'AND' at character 1 is not expected"),
        ("width = = 1", "is not expected"),
        ("1 < width < 3", "comparisons do not chain"),
        ("width IS 3", "after IS comes NULL, TRUE or FALSE"),
        ("width NOT 3", "after NOT comes IN, BETWEEN or LIKE"),
        ("width BETWEEN 1", "after BETWEEN comes AND, not its end"),
        ("width IN 3", "after IN comes \\("),
        ("width IN ()", "parentheses do not match"),
        ("width = 1_000", "there is no number at character 9"),
        ("width = 0x10", "there is no number"),
        ("width = 1.2.3", "there is no number"),
        ("width = 1e400", "the number 1e400 is too large"),
        ("width = 99999999999999999999", "too large"),
        ("+width = 1", "is not expected"),
        ("width & 1 = 1", "'&' at character 7 has no meaning"),
        ("CAST(width AS blob) = 'a'", "CAST makes one of"),
        ("tags['a'] = 1", "has to be a whole number"),
        ("(" * 60 + "selected" + ")" * 60, "nested more than 40 deep"),
        ("NOT " * 60 + "selected", "nested more than 40 deep"),
        ("lower(" * 60 + "label" + ")" * 60 + " = 'a'", "nested more than 40 deep"),
        ("width > " + " + ".join(["width"] * 3000), "more than 150 operators"),
        (" OR ".join(["width = 1"] * 5000), "more than 2000 terms"),
        (f"label = '{'x' * 1_000_001}'", "1000000 are the most"),
        (f"label LIKE '{'%a' * 600}'", "1000 characters at most"),
        ("label = '\udcff'", "bytes that are not UTF-8"),
        ("_rowid = 1", "no column '_rowid'"),
        ("a.width = 1", "the dot at character 2 is not expected"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(where: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        checked_condition(where, COLUMNS)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 1000


def test_the_deepest_conditions_that_pass_are_survived(tmp_path) -> None:
    store = Store.create(tmp_path / "d.tamis")
    with store.operation("add") as op:
        op.insert(pa.table({"sample_id": ["a", "b"], "width": [1, 2], "path": ["x", "y"]}))
    deepest = [
        "(" * 39 + " + ".join(["width"] * 150) + ")" * 39 + " > 0",
        " OR ".join(f"(width = {number} AND path = 'x')" for number in range(1000)),
        "NOT " * 40 + "width > 0",
        "lower(" * 39 + "path" + ")" * 39 + " IS NOT NULL",
        "width IN (" + ", ".join(["1", "2"] * 20_000) + ")",
        f"path <> '{'y' * 900_000}'",
        "width IN (" + "- 1, " * 500 + "1, 2)",
    ]
    assert [store.count(where) for where in deepest] == [2, 1, 2, 2, 2, 2, 2]


@pytest.mark.parametrize(
    "where",
    [
        "width / 0 = 1",
        "width = path",
        "CAST(path AS int) = 1",
        "path > 5",
        "width",
        "null",
        "width + path = 1",
        "lower(width + 1) = width",
        "width = 'a'",
        "width = 3000000000",
        "captured_at > '2026-01-01'",
        "captured_at > timestamp 'yesterday'",
        "date_part('fortnight', captured_at) = 1",
        "regexp_like(path, '(')",
        "regexp_like(path, '((a{1000}){1000}){1000}')",
        "tags = 'a'",
        "array_has(path, 'a')",
        "left(path, path) = 'a'",
        "thumbnail LIKE 'a'",
        "width % 0 = 1",
        "- path = 1",
        "NOT width",
        "width AND path",
        "width BETWEEN 'a' AND 'b'",
        "path IN (1, 2)",
        "[1, 'a'] = tags",
        "tags[1][1] = 'a'",
    ],
)
def test_what_lance_refuses_is_a_sentence_too(tmp_path, where: str) -> None:
    store = Store.create(tmp_path / "d.tamis")
    with store.operation("add") as op:
        op.insert(pa.table({"sample_id": ["a"], "width": [1], "path": ["x"]}))
    for read in (store.count, lambda text: store.read(["width"], text)):
        assert sentence_of(read, where) is None or "\n" not in sentence_of(read, where)


def sentence_of(read, where: str) -> str | None:
    """What is said of a condition that cannot be used; None if it can."""
    try:
        read(where)
    except UsageError as error:
        return str(error)
    return None


def test_conditions_are_joined_as_wholes() -> None:
    assert all_of("width = 1 OR selected", None, "label IS NULL") == (
        "(width = 1 OR selected) AND (label IS NULL)"
    )
    assert all_of(None, None) is None
    assert all_of("a = 1", None) == "a = 1"
    assert any_of("a = 1", None) is None
    joined = all_of("width = 1 -- one", "selected")
    assert checked_condition(joined, COLUMNS) == "(`width` = 1) AND (`selected`)"
    with pytest.raises(UsageError):
        all_of("width = 1) OR (width = 2", "selected")


def test_columns_are_named_wherever_they_stand() -> None:
    where = "lower(Label) = 'kind' AND (`Odd Name` IS NULL OR - width IN (1, sharpness))"
    assert columns_named(where) == {"label", "odd name", "width", "sharpness"}
