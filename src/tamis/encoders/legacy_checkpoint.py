"""Read weights from PyTorch's legacy `.pth` files without PyTorch and without running their code.

A pickle may call anything it can name. This reader allows four names, all replaced by inert
placeholders, and only the operations that weights need, so the worst a hostile file can do is to be
refused.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import warnings
from collections import OrderedDict
from math import prod
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple, TypeGuard

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tamis.errors import EncoderError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_legacy_checkpoint"]

_MAGIC: Final = 0x1950A86A20F9469CFC6C
_PROTOCOL: Final = 1001

_OPERATIONS: Final = frozenset(
    [
        "PROTO",
        "STOP",
        "MARK",
        "NONE",
        "NEWTRUE",
        "NEWFALSE",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "BINUNICODE",
        "EMPTY_TUPLE",
        "TUPLE",
        "TUPLE1",
        "TUPLE2",
        "TUPLE3",
        "EMPTY_DICT",
        "SETITEM",
        "SETITEMS",
        "EMPTY_LIST",
        "APPEND",
        "APPENDS",
        "BINPUT",
        "LONG_BINPUT",
        "BINGET",
        "LONG_BINGET",
        "GLOBAL",
        "BINPERSID",
        "REDUCE",
        "BUILD",
    ]
)

# Exceptions that a malformed stream may raise, some of them listed in pickle's documentation.
_MALFORMED: Final = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    ImportError,
    IndexError,
    KeyError,
    OverflowError,
    TypeError,
    UnicodeDecodeError,
    ValueError,
)


# The placeholders are tuples or have no attributes, because a pickle may set attributes.


class _StorageType(NamedTuple):
    """Placeholder for `torch.FloatStorage` and the like; not callable."""

    dtype: np.dtype[Any]


class _Storage(NamedTuple):
    """A flat block of numbers, named in the pickle and stored after it."""

    key: str
    dtype: np.dtype[Any]
    numel: int


class _Tensor(NamedTuple):
    """The position of a tensor in a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _RebuildTensor:
    """Placeholder for `torch._utils._rebuild_tensor_v2`; only records where the numbers are."""

    __slots__ = ()

    def __call__(
        self,
        storage: object,
        offset: object,
        shape: object,
        strides: object,
        *_gradient_and_hooks: object,
    ) -> _Tensor:
        if not isinstance(storage, _Storage) or not isinstance(offset, int):
            raise pickle.UnpicklingError("a tensor without a storage")
        if not _are_sizes(shape, least=0) or not _are_sizes(strides, least=1):
            raise pickle.UnpicklingError(f"a tensor of shape {shape!r} with strides {strides!r}")
        if len(shape) != len(strides):
            raise pickle.UnpicklingError(f"a tensor of shape {shape} with strides {strides}")
        last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
        if offset < 0 or prod(shape) > storage.numel or last >= storage.numel:
            raise pickle.UnpicklingError("a tensor that reaches beyond its storage")
        return _Tensor(storage, offset, shape, strides)


def _are_sizes(value: object, least: int) -> TypeGuard[tuple[int, ...]]:
    return isinstance(value, tuple) and all(isinstance(n, int) and n >= least for n in value)


_GLOBALS: Final[dict[tuple[str, str], object]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _RebuildTensor(),
    ("torch", "FloatStorage"): _StorageType(np.dtype("<f4")),
    ("torch", "LongStorage"): _StorageType(np.dtype("<i8")),
}


class _RestrictedUnpickler(pickle.Unpickler):
    """An unpickler that knows four names and refuses every other."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module_name: str, global_name: str) -> object:
        """Return the placeholder for a global, or raise."""
        try:
            return _GLOBALS[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it asks for {module_name}.{global_name}, which weights do not need"
            ) from None

    def persistent_load(self, pid: object) -> _Storage:
        """Record a storage, whose numbers follow the pickle."""
        match pid:
            case ("storage", _StorageType(dtype=dtype), str(key), str(), int(numel), None) if (
                numel >= 0
            ):
                storage = _Storage(key, dtype, numel)
            case _:
                raise pickle.UnpicklingError("it refers to something that is not a storage")
        if self.storages.setdefault(key, storage) != storage:
            raise pickle.UnpicklingError(f"it describes the storage {key!r} twice")
        return storage


def _unpickle(stream: io.BytesIO, unpickler: _RestrictedUnpickler | None = None) -> object:
    """Load the pickle at the stream's position after checking that all its operations are safe."""
    begin = stream.tell()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of odd escapes in damaged names
        operations = list(pickletools.genops(stream))
    for count, (operation, argument, _) in enumerate(operations):
        if operation.name not in _OPERATIONS:
            raise pickle.UnpicklingError(f"it uses the operation {operation.name}")
        # the unpickler would allocate all memo slots up to this one
        if operation.name == "LONG_BINPUT" and int(argument or 0) > count:
            raise pickle.UnpicklingError(f"it uses memo slot {argument} too early")
    stream.seek(begin)
    return (unpickler or _RestrictedUnpickler(stream)).load()


def read_legacy_checkpoint(data: bytes, name: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of a legacy PyTorch state dict by their names, in the file's order.

    No code from the file is run: any global other than ordered dictionaries and float32 or int64
    tensors is refused before it is looked up. O(bytes); each array is a view of `data`.

    Args:
        data: the whole file.
        name: the name of the file in messages.

    Returns:
        Read-only arrays, float32 or int64, by parameter name.

    Raises:
        EncoderError: the file is not a legacy checkpoint, is truncated, or contains anything else.
    """
    stream = io.BytesIO(data)
    try:
        return _read(stream, data)
    except _MALFORMED as error:
        raise EncoderError(
            f"{name} is not a checkpoint that can be read safely: {error}. "
            "Install the package that carries it again."
        ) from error


def _read(stream: io.BytesIO, data: bytes) -> dict[str, NDArray[Any]]:
    if _unpickle(stream) != _MAGIC:
        raise pickle.UnpicklingError("it does not begin as legacy checkpoints do")
    if _unpickle(stream) != _PROTOCOL:
        raise pickle.UnpicklingError("its protocol version is unknown")
    system = _unpickle(stream)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise pickle.UnpicklingError("its numbers are not little-endian")

    unpickler = _RestrictedUnpickler(stream)
    tensors = _unpickle(stream, unpickler)
    keys = _unpickle(stream)
    if not isinstance(tensors, OrderedDict) or not isinstance(keys, list):
        raise pickle.UnpicklingError("it holds no state dict")

    blocks: dict[str, NDArray[Any]] = {}
    for key in keys:
        storage = unpickler.storages[key]
        numel = int.from_bytes(stream.read(8), "little")
        if numel != storage.numel:
            raise pickle.UnpicklingError(
                f"storage {key!r} has {numel} numbers, not {storage.numel}"
            )
        # frombuffer raises ValueError if the file ends before the block does
        blocks[key] = np.frombuffer(data, storage.dtype, numel, stream.tell())
        stream.seek(numel * storage.dtype.itemsize, io.SEEK_CUR)

    arrays: dict[str, NDArray[Any]] = {}
    for parameter, tensor in tensors.items():
        if not isinstance(parameter, str) or not isinstance(tensor, _Tensor):
            raise pickle.UnpicklingError(f"its entry {parameter!r} is no tensor")
        block = blocks[tensor.storage.key][tensor.offset :]
        steps = [step * block.itemsize for step in tensor.strides]
        arrays[parameter] = as_strided(block, tensor.shape, steps, writeable=False)
    return arrays
