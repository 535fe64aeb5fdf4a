"""Which step bounds, and what would help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from tamis.services.bench.contract import BenchStage

if TYPE_CHECKING:
    from tamis.services.bench.contract import StageName

__all__ = ["Rate", "Rates", "advice", "expected_add", "expected_embed", "shares"]

_WHOLE: Final[tuple[StageName, ...]] = ("read", "measure", "prepare", "infer", "write")
_SCALES_BADLY: Final = 0.6
_WAITS: Final = 3.0
_WORTH_SAYING: Final = 0.15
_LARGE_MEGAPIXELS: Final = 6.0
_PROCESSORS_FOR_PROCESSES: Final = 4


class Rate(NamedTuple):
    """Pictures a second of one worker and of all, and processor seconds a picture."""

    one: float
    all: float
    processor: float


Rates = Mapping["StageName", Rate]


def expected_add(rates: Rates) -> float:
    """Return the pictures a second of `add`: its steps share the processors.

    >>> expected_add({name: Rate(30.0, 60.0, 0.01) for name in ("read", "measure", "write")})
    20.0
    """
    return 1 / sum(1 / rates[name].all for name in ("read", "measure", "write"))


def expected_embed(rates: Rates, *, device: str) -> float:
    """Return the pictures a second of `embed`: beside a device, the slower of two sides."""
    decoding = 1 / rates["read"].all + 1 / rates["prepare"].all
    inference, writing = 1 / rates["infer"].all, 1 / rates["write"].all
    if device == "cpu":
        return 1 / (decoding + inference + writing)
    return 1 / max(decoding + writing, inference)


def shares(rates: Rates) -> list[BenchStage]:
    """Return the steps with the share of the time of `add` and `embed` that each takes."""
    # files are read twice, once by each
    times = {name: 1 / rates[name].all for name in _WHOLE}
    times["read"] *= 2
    whole = sum(times.values())
    return [
        BenchStage(name, rate.one, rate.all, rate.processor * 1e3, times.get(name, 0.0) / whole)
        for name, rate in rates.items()
    ]


def advice(
    rates: Rates, *, workers: int, device: str, megapixels: float, can_use_gpu: bool
) -> list[str]:
    """Return what would help, by the share of time that it could save.

    Args:
        rates: of each step.
        workers: that were measured.
        device: where the encoder ran.
        megapixels: of a picture.
        can_use_gpu: whether PyTorch or ONNX Runtime sees a GPU here.
    """
    stages = sorted(shares(rates), key=lambda stage: -stage.share)
    found = [_of(stage, rates, workers, device, megapixels, can_use_gpu) for stage in stages]
    told = [text for stage, text in zip(stages, found, strict=True) if stage.share > _WORTH_SAYING]
    return [text for text in told if text]


def _of(  # noqa: PLR0917 - one step and what is known of the machine
    stage: BenchStage,
    rates: Rates,
    workers: int,
    device: str,
    megapixels: float,
    can_use_gpu: bool,
) -> str:
    match stage.stage:
        case "infer":
            helps = _for_inference(device, can_use_gpu=can_use_gpu)
        case "measure" | "prepare":
            scales_badly = stage.all < _SCALES_BADLY * workers * stage.one
            helps = "more processors"
            if scales_badly and workers >= _PROCESSORS_FOR_PROCESSES:
                helps = "threads get in each other's way; --processes"
            elif megapixels > _LARGE_MEGAPIXELS:
                helps += (
                    f", or copies of half the side of these {megapixels:.0f} megapixels, which "
                    "lose hardly anything for vectors"
                )
        case "read":
            waits = 1 / stage.one > _WAITS * rates["read"].processor
            helps = "a nearer or faster disk" if waits else "smaller files"
        case "write":
            helps = "a faster disk for the dataset"
        case "search":
            return ""
    return f"{stage.share:.0%} of the time goes to {stage.stage}: {helps}"


def _for_inference(device: str, *, can_use_gpu: bool) -> str:
    if device != "cpu":
        return "a smaller encoder, or precision=bfloat16 where it is offered"
    if can_use_gpu:
        return "there is a GPU here; use an encoder that runs on it (tamis encoders)"
    return (
        "a smaller encoder, or the same one as an OpenVINO or int8 file (tamis encoders export); "
        "then more processors or a GPU"
    )
