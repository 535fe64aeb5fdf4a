"""Names of classes in the forms that YOLO datasets have them."""

from __future__ import annotations

import pytest

from tamis.formats.annotations.yolo_settings import listed_names, read_settings

FORMS = [
    "names: [cat, 'a dog']",
    'names: [cat, "a dog",]  # two',
    "names: [ cat,\n  a dog ]\nnc: 2",
    "names: {0: cat, 1: 'a dog'}",
    "names: {1: a dog,\n 0: cat}",
    "names:\n- cat\n- a dog\nnc: 2",
    "names:\n  - cat\n  - a dog # the second\n",
    "path: x\nnames:\n  0: cat\n\n  # pets\n  1: 'a dog'\nnc: 2",
    "'names': [cat, a dog]",
    "train: images\nnames: # below\n  '0': cat\n  '1': a dog",
]


@pytest.mark.parametrize("text", FORMS)
def test_every_usual_form_is_read(text):
    assert read_settings(text).names == {0: "cat", 1: "a dog"}


def test_what_is_quoted_may_hold_commas_and_quotes():
    assert read_settings("names: ['a, b', 'it''s', \"say \\\"x\\\"\"]").names == {
        0: "a, b",
        1: "it's",
        2: 'say "x"',
    }


@pytest.mark.parametrize(
    "text", ["names: [cat", "names: {cat: 0}", "names: cat", "names:\n  cat: 0\n", "names: ['cat]"]
)
def test_other_forms_are_refused_rather_than_guessed(text):
    with pytest.raises(ValueError, match="name"):
        read_settings(text)


@pytest.mark.parametrize("text", ["", "nc: 2", "class_names: [a]", "x:\n  names: [a]"])
def test_where_there_are_none_there_are_none(text):
    assert read_settings(text).names == {}


def test_a_list_counts_lines():
    assert listed_names("cat\n a dog \n\n") == {0: "cat", 1: "a dog"}
