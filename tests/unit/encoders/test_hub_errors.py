"""Why a model could not be had, in one sentence that says what to do."""

from __future__ import annotations

import pytest

from tamis.encoders.hub_errors import explain_hub_error


def chained(name, outer="could not load", base=Exception):
    cause = type(name, (base,), {})("the library's own words")
    error = OSError(outer)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (chained("GatedRepoError"), ["gated", "hf auth login", "https://huggingface.co/org/model"]),
        (chained("RepositoryNotFoundError"), ["no model org/model", "private"]),
        (chained("RevisionNotFoundError"), ["no such revision"]),
        (chained("LocalEntryNotFoundError"), ["cannot be reached", "bundled:efficientnet-lite0"]),
        (chained("OfflineModeIsEnabled"), ["cannot be reached"]),
        (OSError("We couldn't connect to the hub\nsecond line"), ["cannot be reached"]),
        (OSError("something new"), ["something new", "hf:FOLDER"]),
        (ImportError("requires the\n following packages: sentencepiece"), ["sentencepiece"]),
    ],
)
def test_each_cause_has_its_own_sentence(error, words):
    sentence = explain_hub_error("hf:org/model", "org/model", "weights", error)
    assert sentence.startswith("cannot load the weights of hf:org/model: ")
    assert "\n" not in sentence
    for word in words:
        assert word in sentence


def test_the_sentences_differ():
    names = ["GatedRepoError", "RepositoryNotFoundError", "RevisionNotFoundError", "Offline"]
    sentences = {explain_hub_error("hf:a/b", "a/b", "weights", chained(name)) for name in names}
    assert len(sentences) == len(names)


def test_a_folder_is_never_called_gated_or_offline(tmp_path):
    error = OSError("no file named model.safetensors; couldn't connect")
    sentence = explain_hub_error("hf:here", str(tmp_path), "weights", error)
    assert "save_pretrained()" in sentence
    assert "hub" not in sentence
