"""Counts of labels and splits."""

from __future__ import annotations

from tamis.services.report.tables import imbalance, label_table, split_order


def test_labels_and_splits_are_counted() -> None:
    table = label_table(
        ["cat", "cat", "dog", None, "cat"], ["test", "train", "train", "train", None]
    )
    assert table is not None
    assert table.columns == ("train", "test", "no split", "total")
    assert table.rows == (
        ("cat", ("1", "1", "1", "3")),
        ("dog", ("1", "0", "0", "1")),
        ("no label", ("1", "0", "0", "1")),
    )
    assert table.totals == ("3", "1", "1", "5")


def test_without_splits_labels_are_counted() -> None:
    table = label_table(["b", "a", "a"], [None] * 3)
    assert table is not None
    assert (table.caption, table.columns) == ("Labels", ("total",))
    assert table.rows == (("a", ("2",)), ("b", ("1",)))


def test_without_labels_only_the_totals_are_given() -> None:
    table = label_table([None] * 3, ["train", "train", "test"])
    assert table is not None
    assert (table.rows, table.totals) == ((), ("2", "1", "3"))


def test_with_neither_there_is_no_table() -> None:
    assert label_table([None], [None]) is None


def test_rare_labels_beyond_the_longest_table_are_summed_up() -> None:
    labels = [f"label {number}" for number in range(250)]
    table = label_table(labels, [None] * 250)
    assert table is not None
    assert len(table.rows) == 201
    assert table.rows[-1] == ("50 more labels", ("50",))


def test_splits_come_in_the_usual_order() -> None:
    assert split_order(["test", "b", "val", None, "train", "a"]) == [
        "train",
        "val",
        "test",
        "a",
        "b",
    ]


def test_imbalance_names_the_worst_label_and_split() -> None:
    figure = imbalance(["cat"] * 4 + ["dog"] * 4, ["train"] * 4 + ["train"] * 3 + ["test"])
    assert figure is not None
    assert figure.value == "50.0 points"
    assert figure.explanation.endswith(": dog in test.") or figure.explanation.endswith(
        "cat in test."
    )


def test_even_labels_have_no_imbalance() -> None:
    figure = imbalance(["cat", "dog"] * 2, ["train", "train", "test", "test"])
    assert figure is not None
    assert figure.value == "0.0 points"
    assert imbalance(["cat"], [None]) is None
