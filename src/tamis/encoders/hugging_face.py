"""CLIP and DINOv2 models from the Hugging Face hub or a local folder, run by PyTorch."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import torch
import transformers

from tamis.encoders.base import Encoder, check_pixels, fingerprint_of, normalise_rows
from tamis.encoders.processor_config import preprocessing_from_config
from tamis.errors import EncoderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from tamis.types import PixelBatch, Preprocessing, Vectors

__all__ = ["ClipEncoder", "Dinov2Encoder", "load_hugging_face"]


def load_hugging_face(
    name: str,
    *,
    threads: int | None = None,
    device: str | None = None,
    revision: str | None = None,
) -> Encoder:
    """Load a CLIP or DINOv2 model with the preprocessing that it was published with.

    Args:
        name: a model's name on the hub, or a folder that holds one.
        threads: threads that PyTorch may use, in the whole process; left as it is when None.
        device: where PyTorch computes; a GPU if there is one when None.
        revision: branch, tag or commit on the hub.

    Raises:
        EncoderError: the model cannot be found or fetched, is of another family, or lacks its
            preprocessing, without which its vectors would be wrong.
        UsageError: `threads` is less than 1.
    """
    if threads is not None:
        if threads < 1:
            raise UsageError(f"threads is {threads}, but inference needs at least 1")
        torch.set_num_threads(threads)
    source = _source(name)
    with _quiet_transformers():
        config = _fetch(transformers.AutoConfig, source, "configuration", revision)
        family = _FAMILIES.get(config.model_type)
        if family is None:
            raise EncoderError(
                f"hf:{name} is a model of the family {config.model_type!r}, which tamis cannot "
                f"embed with yet; it can with {', '.join(_FAMILIES)}"
            )
        processor = _fetch(
            transformers.AutoImageProcessor, source, "preprocessing", revision, use_fast=False
        )
        model = _fetch(transformers.AutoModel, source, "weights", revision)
    return family(
        f"hf:{name}",
        model.float().eval().to(device or ("cuda" if torch.cuda.is_available() else "cpu")),
        preprocessing_from_config(processor.to_dict(), f"hf:{name}"),
        source,
        revision,
    )


class _VisionTransformer:
    """What the families share: batches in, one token sequence a picture out."""

    feature_levels: Final = ("patch",)
    pooling: str

    def __init__(
        self,
        spec: str,
        model: Any,
        preprocessing: Preprocessing,
        source: str,
        revision: str | None,
    ) -> None:
        self.spec = spec
        self.preprocessing = preprocessing
        self._model = model
        self._source = source
        self._revision = revision
        self._one_call = Lock()
        self._mean, self._std = (
            torch.tensor(values, device=model.device).view(1, 3, 1, 1)
            for values in (preprocessing.mean, preprocessing.std)
        )
        # Versions of the runtime and kinds of device differ by rounding only, and are left out.
        self.fingerprint = fingerprint_of(
            {
                "weights": _hash_weights(model),
                "preprocessing": asdict(preprocessing),
                "resampling": "pillow",
                "pooling": self.pooling,
                "runtime": "torch",
                "precision": "float32",
            }
        )

    @property
    def dim(self) -> int:
        """Length of a vector."""
        raise NotImplementedError

    def embed(self, pixels: PixelBatch) -> Vectors:
        """Return `[B, dim]` float32 unit vectors of prepared pictures."""
        if len(pixels) == 0:
            check_pixels(pixels, self.preprocessing)
            return np.empty((0, self.dim), np.float32)
        with torch.inference_mode():
            return normalise_rows(_to_numpy(self._pooled(self._forward(pixels))))

    def feature_maps(self, pixels: PixelBatch, level: str | None = None) -> NDArray[np.float32]:
        """Return `[B, h, w, D]` float32 patch tokens of prepared pictures.

        Raises:
            UsageError: there is no such level, or the pixels do not fit.
        """
        if level not in (None, *self.feature_levels):
            raise UsageError(f"{self.spec} has no feature level {level!r}; it has: patch")
        with torch.inference_mode():
            tokens = self._forward(pixels).last_hidden_state
        height, width = (
            side // self._patch_size
            for side in (self.preprocessing.height, self.preprocessing.width)
        )
        patches = tokens[:, tokens.shape[1] - height * width :]
        return _to_numpy(patches).reshape(len(pixels), height, width, -1)

    @property
    def _patch_size(self) -> int:
        raise NotImplementedError

    def _vision(self, values: torch.Tensor) -> Any:
        raise NotImplementedError

    def _pooled(self, outputs: Any) -> torch.Tensor:
        raise NotImplementedError

    def _forward(self, pixels: PixelBatch) -> Any:
        check_pixels(pixels, self.preprocessing)
        values = torch.from_numpy(pixels).to(self._model.device).permute(0, 3, 1, 2).float()
        # One call already keeps all of PyTorch's threads busy; two at once fight for the cores.
        with self._one_call:
            return self._vision((values / 255 - self._mean) / self._std)


class Dinov2Encoder(_VisionTransformer):
    """DINOv2 (Oquab et al. 2023), with or without registers: the class token, normed."""

    pooling = "class token"

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._model.config.hidden_size)

    @property
    def _patch_size(self) -> int:
        return int(self._model.config.patch_size)

    def _vision(self, values: torch.Tensor) -> Any:
        return self._model(pixel_values=values)

    def _pooled(self, outputs: Any) -> torch.Tensor:
        return cast("torch.Tensor", outputs.pooler_output)


class ClipEncoder(_VisionTransformer):
    """CLIP (Radford et al. 2021): pictures and texts projected to one space."""

    pooling = "class token, projected"

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._model.config.projection_dim)

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Return `[T, dim]` float32 unit vectors of texts; long ones are cut.

        Raises:
            EncoderError: the model came without its tokenizer.
        """
        if not texts:
            return np.empty((0, self.dim), np.float32)
        tokens = self._tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=self._model.config.text_config.max_position_embeddings,
            return_tensors="pt",
        ).to(self._model.device)
        with torch.inference_mode():
            outputs = self._model.text_model(
                input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
            )
            return normalise_rows(_to_numpy(self._model.text_projection(outputs.pooler_output)))

    @cached_property
    def _tokenizer(self) -> Any:
        with _quiet_transformers():
            tokenizer = _fetch(
                transformers.AutoTokenizer, self._source, "tokenizer", self._revision
            )
        # where its files are missing, transformers gives a tokenizer that knows next to nothing
        known, expected = len(tokenizer), self._model.config.text_config.vocab_size
        if not expected // 2 < known <= expected:
            raise EncoderError(
                f"the tokenizer of {self.spec} knows {known} tokens, but the model {expected}: its "
                "vocabulary is missing or of another model"
            )
        return tokenizer

    @property
    def _patch_size(self) -> int:
        return int(self._model.config.vision_config.patch_size)

    def _vision(self, values: torch.Tensor) -> Any:
        return self._model.vision_model(pixel_values=values)

    def _pooled(self, outputs: Any) -> torch.Tensor:
        return cast("torch.Tensor", self._model.visual_projection(outputs.pooler_output))


_FAMILIES: Final[dict[str, type[ClipEncoder | Dinov2Encoder]]] = {
    "clip": ClipEncoder,
    "dinov2": Dinov2Encoder,
    "dinov2_with_registers": Dinov2Encoder,
}


def _source(name: str) -> str:
    """Return a folder's path or a hub name, and refuse what can be neither."""
    folder = Path(name).expanduser()
    if name and folder.is_dir():
        return str(folder)
    if not name or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise EncoderError(
            f"hf:{name} names no folder that exists; give a folder with a model in it, or a name "
            "on the hub such as hf:facebook/dinov2-small"
        )
    return name


def _fetch(loader: Any, source: str, part: str, revision: str | None, **options: Any) -> Any:
    try:
        return loader.from_pretrained(
            source, revision=revision or "main", trust_remote_code=False, **options
        )
    except (OSError, ValueError, ImportError) as error:
        raise EncoderError(_explain(source, part, error)) from error


def _explain(source: str, part: str, error: Exception) -> str:
    reason = str(error).strip().partition("\n")[0]
    if Path(source).is_dir():
        advice = "Give the folder that save_pretrained() wrote, complete with its processor."
    else:
        advice = (
            "Check the name and the network, or give a folder that holds the model: hf:FOLDER. "
            "With no network, bundled:efficientnet-lite0 works."
        )
    return f"cannot load the {part} of hf:{source}: {reason} {advice}"


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Keep its advice and bars off the terminal, where they would tear ours."""
    log = transformers.utils.logging
    verbosity, has_bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(verbosity)
        if has_bars:
            log.enable_progress_bar()


def _hash_weights(model: Any) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(np.ascontiguousarray(tensor.cpu().numpy()).data)
    return digest.hexdigest()


def _to_numpy(tensor: torch.Tensor) -> NDArray[np.float32]:
    return cast("NDArray[np.float32]", tensor.float().cpu().numpy())
