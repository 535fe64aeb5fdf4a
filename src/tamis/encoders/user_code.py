"""Find, run and hash a user's Python code, without letting it break our own output."""

from __future__ import annotations

import copy
import hashlib
import importlib
import importlib.util
import inspect
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tamis.encoders.base import Encoder
from tamis.errors import EncoderError, MissingExtraError, UnknownEncoderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from tamis.encoders.spec import EncoderSpec

__all__ = ["explained", "find_object", "is_network", "make", "prints_to_stderr", "source_hash"]

_LONGEST_REASON: Final = 240


def find_object(spec: EncoderSpec) -> tuple[ModuleType, Any]:
    """Import the object named by `MODULE:OBJECT` or `FILE.py:OBJECT`; return module and object.

    Raises:
        UsageError: the spec does not name both.
        UnknownEncoderError: there is no such module, file or object.
        EncoderError: the import fails.
        MissingExtraError: it needs PyTorch, which is not installed.
    """
    place, colon, name = spec.name.rpartition(":")
    if not (place and colon and name):
        raise UsageError(f"{spec} does not say what to load; write  py:MODULE:OBJECT")
    with prints_to_stderr():
        module = _imported(spec, place)
    thing: Any = module
    for part in name.split("."):
        if not hasattr(thing, part):
            raise UnknownEncoderError(f"{place} has no {name!r}; check the name in {spec}")
        thing = getattr(thing, part)
    return module, thing


def make(spec: EncoderSpec, thing: Any) -> Any:
    """Call a class or function without required arguments; return anything else as is.

    A network object is copied, because loading weights or moving it must not change the user's
    object, nor an encoder made from it before.

    Raises:
        EncoderError: the call fails, a class needs arguments, or a network cannot be copied.
    """
    if is_network(thing):
        return _copied(spec, thing)
    if not callable(thing) or (isinstance(thing, Encoder) and not inspect.isclass(thing)):
        return thing
    required = _required_parameters(thing)
    if required is None or (required and not inspect.isclass(thing)):
        return thing
    if required:
        raise EncoderError(
            f"{spec} is a class that needs {', '.join(required)}; name a function that makes it"
        )
    try:
        with prints_to_stderr():
            return thing()
    except Exception as error:  # the user's code may raise anything
        raise EncoderError(f"{spec} fails when it is called: {explained(error)}") from error


def is_network(thing: Any) -> bool:
    """Return whether this is a `torch.nn.Module`, without importing PyTorch if nobody else has."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(thing, torch.nn.Module)


def source_hash(module: ModuleType, thing: Any) -> str:
    """Hash the source files of an object: 32 hexadecimal digits.

    These are the module named in the spec and the module that defines the object or its class. What
    those import is not covered, nor is state outside the code. PyTorch's own files are omitted,
    since its versions differ only by rounding.
    """
    home = getattr(thing if hasattr(thing, "__qualname__") else type(thing), "__module__", "")
    modules = [module]
    if home != module.__name__ and home.partition(".")[0] not in ("torch", "builtins"):
        modules += [found] if (found := sys.modules.get(home)) else []
    digest = hashlib.blake2b(digest_size=16)
    for part in modules:
        file = getattr(part, "__file__", None)
        digest.update(Path(file).read_bytes() if file and Path(file).is_file() else b"")
    return digest.hexdigest()


def explained(error: BaseException) -> str:
    """Format an exception of the user's code as one line, type first."""
    text = " ".join(str(error).split())[:_LONGEST_REASON]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextmanager
def prints_to_stderr() -> Iterator[None]:
    """Redirect this thread's prints to stderr, since stdout is for our result, possibly JSON."""
    with _gate:
        if _diverted.depth == 0:
            _diverted.usual = sys.stdout
            sys.stdout = _diverted
        _diverted.depth += 1
    outer = getattr(_here, "diverts", False)
    _here.diverts = True
    try:
        yield
    finally:
        _here.diverts = outer
        with _gate:
            _diverted.depth -= 1
            usual = _diverted.usual
            if _diverted.depth == 0 and sys.stdout is _diverted:
                sys.stdout = usual


class _Diverted:
    """Replaces stdout while any thread runs a user's code."""

    def __init__(self) -> None:
        self.usual: Any = None
        self.depth = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr if getattr(_here, "diverts", False) else self.usual, name)


_gate = threading.Lock()
_here = threading.local()
_diverted: Any = _Diverted()


def _imported(spec: EncoderSpec, place: str) -> ModuleType:
    file = Path(place).expanduser()
    is_file = place.endswith(".py")
    if is_file and not file.is_file():
        raise UnknownEncoderError(f"{spec} names the file {place}, which does not exist")
    try:
        # a file can import its siblings, as if run by Python; a module, from the current folder
        with _first_on_path(str(file.resolve().parent) if is_file else ""):
            return _imported_file(file) if is_file else importlib.import_module(place)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if not is_file and (place == missing or place.startswith(f"{missing}.")):
            raise UnknownEncoderError(
                f"there is no module {place}, neither installed nor in this folder ({spec})"
            ) from error
        if missing.partition(".")[0] == "torch":
            raise MissingExtraError(f"the encoder {spec}", "hf") from error
        raise EncoderError(f"{place} cannot be imported for {spec}: {error}") from error
    except (Exception, SystemExit) as error:  # the user's code may raise anything
        raise EncoderError(f"{place} cannot be imported for {spec}: {explained(error)}") from error


def _imported_file(file: Path) -> ModuleType:
    # two files with the same name must not replace each other
    place = hashlib.blake2b(str(file.resolve()).encode(), digest_size=4).hexdigest()
    found = importlib.util.spec_from_file_location(f"tamis_user_{file.stem}_{place}", file)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[module.__name__] = module  # dataclasses and pickles look themselves up there
    found.loader.exec_module(module)
    return module


@contextmanager
def _first_on_path(folder: str) -> Iterator[None]:
    before = list(sys.path)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path[:] = before


def _required_parameters(thing: Any) -> list[str] | None:
    """Return the names of the required parameters; None if they cannot be determined."""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return None
    return [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]


def _copied(spec: EncoderSpec, network: Any) -> Any:
    try:
        return copy.deepcopy(network)
    except Exception as error:  # the user's code may raise anything
        raise EncoderError(
            f"{spec} is a network that cannot be copied ({explained(error)}), and tamis must not "
            "change the user's own; name a function that makes it"
        ) from error
