"""Explain in one sentence why a model could not be loaded from a folder or the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["explain_hub_error"]

_OFFLINE = {
    "LocalEntryNotFoundError",
    "OfflineModeIsEnabled",
    "ConnectError",
    "ConnectTimeout",
    "ReadTimeout",
    "ConnectionError",
    "NewConnectionError",
    "MaxRetryError",
    "URLError",
}
_OFFLINE_WORDS = ("couldn't connect", "offline", "connection error", "name resolution")

_FOLDERS = {
    "timm": "Give a folder with config.json and weights, as timm.models.save_for_hf() does.",
    "open_clip": "Give a folder with open_clip_config.json, weights and tokenizer.",
}
_SAVED = "Give the folder that save_pretrained() wrote, complete with its processor."
_LONGEST_REASON = 240


def explain_hub_error(spec: str, source: str, part: str, error: Exception) -> str:
    """Return what went wrong and what to do.

    Args:
        spec: the encoder's spec, for messages.
        source: the folder or hub name.
        part: the part being loaded: configuration, preprocessing, weights, tokenizer.
        error: the library's exception.
    """
    return f"cannot load the {part} of {spec}: {_explain(spec.partition(':')[0], source, error)}"


def _explain(kind: str, source: str, error: Exception) -> str:
    names = {type(link).__name__ for link in _chain(error)}
    text = " ".join(str(link) for link in _chain(error)).lower()
    reason, advice = str(error).strip().partition("\n")[0], ""
    without_hub = (
        f"Give a folder that holds the model, {kind}:FOLDER, or use bundled:efficientnet-lite0, "
        "which needs no network."
    )
    if "in loading state_dict" in text:
        misfit = " ".join(str(error).split())
        reason = (
            "they do not fit the model that its configuration describes, so that some would be "
            f"random: {misfit[:_LONGEST_REASON]}"
        )
    elif "ImportError" in names or "requires the following packages" in text:
        reason = " ".join(str(error).split())
    elif Path(source).is_dir():
        advice = _FOLDERS.get(kind, _SAVED)
    elif "GatedRepoError" in names or "gated repo" in text:
        reason = f"{source} is gated."
        advice = (
            f"Accept its terms on https://huggingface.co/{source}, then log in with  hf auth login"
            "  (or set HF_TOKEN)."
        )
    elif "RevisionNotFoundError" in names:
        reason = f"{source} has no such revision."
    elif "RepositoryNotFoundError" in names or "is not a valid model identifier" in text:
        reason = f"the hub has no model {source}, or it is private."
        advice = "Check the name, or log in with  hf auth login"
    elif names & _OFFLINE or any(words in text for words in _OFFLINE_WORDS):
        reason = f"the hub cannot be reached, and the local cache lacks the model ({reason})."
        advice = without_hub
    else:
        advice = f"Check the name and the network. {without_hub}"
    return f"{reason} {advice}".strip()


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__
