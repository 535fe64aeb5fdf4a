"""Models from the Hugging Face hub or a local folder, with their own preprocessing."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import transformers

from tamis.encoders.hub_errors import explain_hub_error
from tamis.encoders.hugging_face_families import POOLINGS, describe_backbone, describe_two_towers
from tamis.encoders.processor_config import preprocessing_from_config
from tamis.encoders.spec import EncoderSpec, convert_options
from tamis.encoders.torch_encoder import RUN_OPTIONS, TorchRun, as_encoder
from tamis.errors import EncoderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tamis.encoders.base import Encoder

__all__ = ["load_hugging_face"]

_OPTIONS: Final[Mapping[str, Any]] = {
    **RUN_OPTIONS,
    "revision": str,
    "pooling": POOLINGS,
    "size": int,
}


def load_hugging_face(spec: EncoderSpec, **options: Any) -> Encoder:
    """Load a model with the preprocessing that it was published with.

    CLIP, SigLIP, SigLIP 2 and other two-tower models also embed text. For every other family that
    `transformers.AutoModel` knows and that takes pictures, the vision backbone is used.

    Args:
        spec: `hf:NAME`, a model's name on the hub or a folder with a model. Options: `revision`
            (branch, tag or commit on the hub), `pooling` (`cls`, `mean` or `pooler`; by default
            the family's own), `size` (another height and width in pixels, for models that
            interpolate their position embeddings), `precision`, `device`, `threads`.
        options: the same options as keyword arguments.

    Raises:
        EncoderError: the model cannot be found or downloaded, is gated, does not take pictures, or
            lacks its preprocessing or some of its weights, so that its vectors would be wrong.
        UsageError: an option is unknown or out of range.
    """
    chosen = convert_options(spec, _OPTIONS, options)
    run = TorchRun(**{name: chosen[name] for name in RUN_OPTIONS if name in chosen})
    source, revision = _source(spec.name), chosen.get("revision")
    fetch = _Fetch(str(spec), source, revision)
    with _quiet_transformers():
        config = fetch(transformers.AutoConfig, "configuration")
        _refuse_flexible(spec, config)
        processor = _processor_config(fetch)
        model = _weights(fetch, spec)
    preprocessing = preprocessing_from_config(processor, str(spec))
    call_options: dict[str, Any] = {}
    if (size := chosen.get("size")) is not None:
        preprocessing = replace(preprocessing, height=size, width=size)
        call_options = _interpolation(spec, model)
    if callable(getattr(model, "get_text_features", None)):
        if "pooling" in chosen:
            raise UsageError(f"{spec} has its own pooling, which its texts share; leave it out")
        described = describe_two_towers(
            model, lambda: fetch(transformers.AutoTokenizer, "tokenizer"), spec, call_options
        )
    else:
        described = describe_backbone(
            model, preprocessing, chosen.get("pooling"), spec, call_options
        )
    return as_encoder(str(spec), described, preprocessing, run)


def _refuse_flexible(spec: EncoderSpec, config: Any) -> None:
    if config.model_type in ("siglip2", "siglip2_vision_model"):
        raise EncoderError(
            f"{spec} takes pictures of any shape as loose patches (NaFlex), which tamis cannot "
            "feed yet; use a SigLIP 2 of fixed resolution, e.g. hf:google/siglip2-base-patch16-224"
        )


def _weights(fetch: Callable[..., Any], spec: EncoderSpec) -> Any:
    model, loading = fetch(transformers.AutoModel, "weights", output_loading_info=True)
    missing = sorted(str(name) for name in loading["missing_keys"])
    # A pooler missing from the checkpoint is random. It is not used (see the families), but it
    # must not make the fingerprint differ between runs.
    random_pooler = [name for name in missing if "pooler" in name]
    for name in random_pooler:
        model.get_parameter(name).data.zero_()
    model.tamis_random_pooler = bool(random_pooler)
    if missing := [name for name in missing if "pooler" not in name]:
        raise EncoderError(
            f"the checkpoint of {spec} lacks {len(missing)} of the weights, {missing[0]} for one; "
            "they would be random, so it is not used"
        )
    return model


def _processor_config(fetch: Callable[..., Any]) -> Mapping[str, Any]:
    """Return the image processor's configuration, with its class's defaults if known."""
    newest = int(transformers.__version__.partition(".")[0]) >= 5  # noqa: PLR2004
    with_pillow: dict[str, Any] = {"backend": "pil"} if newest else {"use_fast": False}
    try:
        config: Mapping[str, Any] = fetch(
            transformers.AutoImageProcessor, "preprocessing", **with_pillow
        ).to_dict()
    except EncoderError as error:
        # Some processors require torchvision, but the file has their configuration.
        if not isinstance(error.__cause__, ImportError):
            raise
        config = fetch.dictionary("preprocessing")  # type: ignore[attr-defined]
    return config


def _interpolation(spec: EncoderSpec, model: Any) -> dict[str, Any]:
    takes = inspect.signature(getattr(model, "vision_model", model).forward).parameters
    if "interpolate_pos_encoding" in takes:
        return {"interpolate_pos_encoding": True}
    if model.config.model_type in ("dinov2", "dinov2_with_registers", "dinov3_vit"):
        return {}  # these adapt to any size by themselves
    if any(word in model.config.model_type for word in ("vit", "deit", "beit", "swin")):
        raise EncoderError(f"{spec} has a fixed input size; leave out size")
    return {}


class _Fetch:
    """Loads parts of one model; each failure becomes one clear sentence."""

    def __init__(self, spec: str, source: str, revision: str | None) -> None:
        self._spec, self._source, self._revision = spec, source, revision or "main"

    def __call__(self, loader: Any, part: str, **options: Any) -> Any:
        try:
            with _quiet_transformers():
                return loader.from_pretrained(
                    self._source, revision=self._revision, trust_remote_code=False, **options
                )
        except (OSError, ValueError, ImportError, KeyError) as error:
            raise EncoderError(explain_hub_error(self._spec, self._source, part, error)) from error

    def dictionary(self, part: str) -> Mapping[str, Any]:
        """Return an image processor's configuration as written in its file."""
        mixin = transformers.image_processing_utils.BaseImageProcessor
        try:
            config, _ = mixin.get_image_processor_dict(self._source, revision=self._revision)
        except (OSError, ValueError) as error:
            raise EncoderError(explain_hub_error(self._spec, self._source, part, error)) from error
        found: Mapping[str, Any] = config
        return found


def _source(name: str) -> str:
    """Return a folder's path or a hub name; raise if it can be neither."""
    folder = Path(name).expanduser()
    if name and folder.is_dir():
        return str(folder)
    if not name or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise EncoderError(
            f"hf:{name} names no folder that exists; give a folder with a model in it, or a name "
            "on the hub such as hf:facebook/dinov2-small"
        )
    return name


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Keep transformers' messages and progress bars off the terminal, where they break ours."""
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
