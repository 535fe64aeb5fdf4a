from __future__ import annotations

import pytest

from tamis.data.conditions import checked_condition
from tamis.errors import UsageError


def test_none_is_no_condition() -> None:
    assert checked_condition(None) is None


@pytest.mark.parametrize(
    "where",
    [
        "width < 5",
        "(a OR b) AND (c OR (d))",
        "label = 'a) ; (b'",
        "label = 'it''s (; odd'",
        "`label` = 'x'",
        'label = "(;"',
        "width < 5 -- small",
    ],
)
def test_one_condition_is_put_in_parentheses(where: str) -> None:
    assert checked_condition(where) == f"({where}\n)"


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("a; b", "without a semicolon"),
        ("a)", "parentheses of the condition 'a\\)' do not match"),
        ("(a", "do not match"),
        ("a) OR (b", "do not match"),
        ("label = ')' AND (a", "do not match"),
    ],
)
def test_what_is_more_than_one_condition_is_refused(where: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        checked_condition(where)
