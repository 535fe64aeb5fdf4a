"""Start the drift server, and say where it is."""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tamis.dataset.storage_errors import storage_guard
from tamis.dataset.store import Store
from tamis.errors import EncoderError, InputError, MissingExtraError, UsageError
from tamis.machine import one_blas_thread
from tamis.runtime.encoder_pool import EncoderPool
from tamis.runtime.workspace import Workspace
from tamis.services.drift.live.delivery import Delivery, Hooks
from tamis.services.drift.live.references import LiveReferences
from tamis.services.drift.reference import Reference, find_reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.encoders.base import Encoder

__all__ = ["ServeOptions", "named_references", "serve_drift", "token_of"]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHORTEST_TOKEN: Final = 16
_AT_ONCE: Final = 128


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How to serve.

    Attributes:
        host: the address to listen on.
        port: the port; 0 takes a free one.
        state: folder of the state; `serve` beside the first reference if None.
        window: pictures that each reference keeps.
        level: share of false alarms among all; the smallest level of a reference if None.
        hooks: who is told of alarms.
        token_file: file with the token; one is made in the state's folder if None.
        rate: requests a second of one address; None is no limit.
        body: bytes of a request.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    state: Path | None = None
    window: int = 500
    level: float | None = None
    hooks: Hooks = field(default_factory=Hooks)
    token_file: Path | None = None
    rate: float | None = None
    body: int = 32_000_000


def serve_drift(references: dict[str, Reference], options: ServeOptions) -> None:
    """Serve references until Ctrl-C or SIGTERM; where it listens is printed as one line, at once.

    Raises:
        MissingExtraError: Starlette or uvicorn is not installed.
        UsageError: the address cannot be listened on, or an option does not fit.
        ConflictError: another server has the state.
        InputError: the state or the token cannot be read.
        StorageError: the disk refuses.
    """
    try:
        import uvicorn

        from tamis.interfaces.drift_server.app import Limits, drift_app
        from tamis.interfaces.drift_server.listening import listener_at
        from tamis.interfaces.server.security import Door
    except ModuleNotFoundError as error:
        raise MissingExtraError("the drift server", "serve") from error
    from tamis import __version__

    if options.hooks.url is not None and urlsplit(options.hooks.url).scheme not in {
        "http",
        "https",
    }:
        raise UsageError(
            f"alarms cannot be posted to {options.hooks.url!r}; give http:// or https://"
        )
    first = next(iter(references.values())).path
    assert first is not None
    state = options.state or first.parent / "serve"
    with ExitStack() as stack:
        # with more, threads of the linear algebra wait for each other longer than they work
        stack.enter_context(one_blas_thread())
        listener = stack.enter_context(listener_at(options.host, options.port))
        delivery = Delivery(state, options.hooks)
        live = stack.enter_context(
            LiveReferences(
                references,
                state,
                window=options.window,
                level=options.level,
                told=delivery.put,
            )
        )
        stack.enter_context(delivery)
        token, place = token_of(options.token_file, state)
        port = listener.getsockname()[1]
        app = drift_app(
            live,
            delivery,
            Door(token, port, options.host, public=frozenset({"/health"})),
            encoder_of=_Encoders().of,
            limits=Limits(options.body, options.rate),
            version=__version__,
        )
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=30,
                limit_concurrency=_AT_ONCE,
                lifespan="off",
                ws="none",
            )
        )
        shown = f"[{options.host}]" if ":" in options.host else options.host
        sys.stdout.write(f"http://{shown}:{port}  token in {place}\n")
        sys.stdout.flush()
        gc.collect()
        gc.freeze()
        # uvicorn ends in good order, and then raises the signal that ended it once more
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


def named_references(words: Sequence[str], dataset: Path) -> dict[str, Reference]:
    """Read the references that a command names; that of the dataset if it names none.

    Args:
        words: `FILE`, `DATASET.tamis`, or `NAME=` and either.
        dataset: of the option -d.

    Raises:
        UsageError: two have one name, a name does not fit into an address, or a dataset has none.
        InputError: a file is no reference.
    """
    found: dict[str, Reference] = {}
    for word in words or [str(dataset)]:
        name, equals, rest = word.partition("=")
        path = Path(rest if equals else word)
        name = name if equals else path.stem
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"a reference cannot be called {name!r}; give NAME={path}, of letters, digits and -"
            )
        if name in found:
            raise UsageError(f"two references are called {name!r}; give one as NAME={path}")
        if path.is_dir():
            found[name] = find_reference(Workspace(Store.open(path, create=False)), None)
        else:
            found[name] = Reference.read(path)
    return found


def token_of(file: Path | None, state: Path) -> tuple[str, Path]:
    """Return the token and where it lies; one that was not given is made, for its owner to read.

    Raises:
        InputError: the file cannot be read.
        UsageError: the token is too short.
        StorageError: the disk refuses.
    """
    from tamis.interfaces.server.security import new_token

    place = file or state / "token"
    if file is None and not place.exists():
        with storage_guard(place, "write"):
            place.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as out:
                out.write(f"{new_token()}\n")
    try:
        token = place.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise InputError(f"the token cannot be read from {place}: {error}") from error
    if len(token) < _SHORTEST_TOKEN:
        raise UsageError(f"the token in {place} has under {_SHORTEST_TOKEN} characters: give more")
    return token, place


class _Encoders:
    """Loads encoders of references, each once."""

    def __init__(self) -> None:
        self._pool = EncoderPool()

    def of(self, reference: Reference) -> Encoder:
        """Return the encoder of a reference.

        Raises:
            EncoderError: it is not the reference's any more.
        """
        facts = reference.facts
        encoder = self._pool.load_named_in(reference.path, facts.encoder, threads=1)
        if encoder.fingerprint != facts.fingerprint:
            raise EncoderError(
                f"{facts.encoder} is not the encoder any more that made the reference: send "
                "vectors of the one that did, or fit the reference again"
            )
        return encoder
