"""Save and load the whole state of a sieve."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.algo.sieve.epsilon_net import EpsilonNet
from tamis.algo.sieve.inverted_file import IndexMisses
from tamis.algo.sieve.offers import Offers
from tamis.algo.sieve.rules import Rules
from tamis.errors import StorageError, UsageError
from tamis.outside_arrays import read_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from numpy.typing import NDArray

__all__ = ["pack", "read_state", "unpack", "write_state"]

_FORMAT = "tamis sieve"
_VERSION = 1


def pack(about: Mapping[str, Any], nets: Mapping[str, EpsilonNet]) -> dict[str, NDArray[Any]]:
    """Return a sieve's nets and metadata as named arrays."""
    arrays: dict[str, NDArray[Any]] = {}
    described = []
    for number, (stream, net) in enumerate(nets.items()):
        offers = Offers.of(net.kept, net.kept.by_age())
        arrays |= {
            f"vectors_{number}": offers.vectors,
            f"seen_{number}": offers.times,
            f"reach_{number}": offers.reach,
        }
        described.append(
            {
                "stream": stream,
                "keys": list(offers.keys),
                "threshold": net.threshold,
                "clock": net.clock,
                "doublings": net.doublings,
                "misses": asdict(net.misses),
            }
        )
    header = {"format": _FORMAT, "version": _VERSION, **about, "nets": described}
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    return arrays


def unpack(
    arrays: Mapping[str, NDArray[Any]],
) -> tuple[dict[str, Any], Rules, dict[str, EpsilonNet]]:
    """Reverse `pack`: return a sieve's metadata, rules and nets.

    Raises:
        UsageError: the arrays were written by a later version.
        KeyError, TypeError, ValueError: the arrays are not those of a sieve.
    """
    about = json.loads(arrays["header"].tobytes())
    if about["format"] != _FORMAT:
        raise ValueError(about["format"])
    if about["version"] > _VERSION:
        raise UsageError(
            f"it was written by a later version of tamis (format {about['version']}; this one "
            f"reads up to {_VERSION}); upgrade tamis"
        )
    rules = Rules(**about["rules"])
    nets = {}
    for number, described in enumerate(about["nets"]):
        vectors = arrays[f"vectors_{number}"]
        net = EpsilonNet(vectors.shape[1], described["threshold"], rules)
        net.misses = IndexMisses(**described["misses"])
        net.doublings = described["doublings"]
        offers = (described["keys"], arrays[f"seen_{number}"], arrays[f"reach_{number}"])
        net.admit(Offers(vectors, *offers))
        net.clock = described["clock"]
        nets[described["stream"]] = net
    return about, rules, nets


def write_state(path: str | PathLike[str], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to a file, atomically.

    Raises:
        StorageError: writing failed; an existing file is unchanged.
    """
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        reason = (error.strerror or type(error).__name__).lower()
        raise StorageError(f"cannot write the sieve {target}: {reason}") from error


def read_state(path: str | PathLike[str]) -> tuple[dict[str, Any], Rules, dict[str, EpsilonNet]]:
    """Read what `write_state` wrote and unpack it.

    Raises:
        UsageError: the file cannot be read, is not a sieve, is damaged, or was written by a later
            version.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise UsageError(f"cannot read the sieve {path}: {reason}") from error
    try:
        return unpack(read_arrays(data))
    except UsageError as error:
        raise UsageError(f"cannot read the sieve {path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path} is no sieve that tamis wrote, or is damaged") from error
