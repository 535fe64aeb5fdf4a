"""Texts as sentences: templates, articles, sentences, and their mean."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.errors import UsageError
from tamis.runtime.prompts import TEMPLATES, prompt_vectors, prompts_of


def test_words_are_put_into_every_template():
    assert prompts_of("rusty  valve") == [template.format("rusty valve") for template in TEMPLATES]


@pytest.mark.parametrize("text", ["a valve", "The valve", "an valve"])
def test_an_article_gives_way_to_that_of_the_template(text):
    assert prompts_of(text) == prompts_of("valve")


def test_an_article_alone_stays():
    assert prompts_of("a")[0] == "a photo of a a."


@pytest.mark.parametrize("text", ["Valve leaks.", "dog lies on mat", "Is it?"])
def test_a_sentence_is_also_taken_as_it_is(text):
    found = prompts_of(text)
    assert found[0] == text
    assert len(found) == len(TEMPLATES) + 1
    assert all(not prompt.endswith("..") for prompt in found)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_text_is_refused(text):
    with pytest.raises(UsageError, match="is empty"):
        prompts_of(text)


class Letters:
    """Counts letters, so that the mean over prompts can be told by hand."""

    dim = 26

    def embed_text(self, texts):
        counts = np.array(
            [[text.lower().count(chr(97 + place)) for place in range(26)] for text in texts],
            np.float32,
        )
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def test_the_vector_is_the_unit_mean_of_the_prompts():
    found = prompt_vectors(Letters(), ["valve", "two dogs on a mat"])
    for text, vector in zip(["valve", "two dogs on a mat"], found, strict=True):
        mean = Letters().embed_text(prompts_of(text)).mean(axis=0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), rtol=1e-6)
    assert prompt_vectors(Letters(), []).shape == (0, 26)
