"""The routes of the map: which maps there are, places, colors, and what a point is."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pyarrow.compute as pc
from starlette.responses import Response

from tamis.dataset.columns import Column
from tamis.errors import UsageError
from tamis.interfaces.server.point_map import color_codes, packed
from tamis.machine import return_free_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from numpy.typing import NDArray
    from starlette.requests import Request

    from tamis.interfaces.server.point_map import MapKey
    from tamis.interfaces.server.session import Session

    _Work: TypeAlias = Callable[[Request, Any], Any]
    _Route: TypeAlias = Callable[[str], Callable[[_Work], _Work]]

__all__ = ["add_map_routes"]

_BYTES: Final = "application/octet-stream"
_MOST_POINTS: Final = 200
_MOST_DIGITS: Final = 9


def add_map_routes(session: Session, route: _Route) -> None:
    """Add the routes; the sentence under each is its description in the API."""

    @route("/api/maps")
    def maps(_request: Request, _body: Any) -> Any:
        """The maps that there are, the one to begin with first, and how to make a better one."""
        with session.lock:
            found = [_said(session, key) for key in session.table.maps().values()]
        return {"maps": found, "can_make": find_spec("openTSNE") is not None}

    @route("/api/map/places")
    def places(request: Request, _body: Any) -> Response:
        """Where every row lies on `map`: pairs of uint16, 65535 for nowhere."""
        with session.lock:
            found = packed(session.table.places(request.query_params.get("map")))
            return_free_memory()  # what fitting a plane took
        return Response(found, media_type=_BYTES)

    @route("/api/map/colors")
    def colors(request: Request, _body: Any) -> Response:
        """Which value of `column` every row has: a byte, 255 for none, or a uint16, 65535."""
        with session.lock:
            found = color_codes(session.table, request.query_params.get("column", "label"))
        return Response(found, media_type=_BYTES)

    @route("/api/map/clusters")
    def clusters(_request: Request, _body: Any) -> Any:
        """The names of the clusters that are marked, by their numbers."""
        with session.lock:
            return {"names": _cluster_names(session)}

    @route("/api/answers/{answer}/mask")
    def mask(request: Request, _body: Any) -> Response:
        """A bit for each row of the dataset, the lowest first: whether it is in the answer."""
        answer = session.answers.of(request.path_params["answer"])
        with session.lock:
            return _bits(session, answer.ids)

    @route("/api/selections/{name}/mask")
    def chosen(request: Request, _body: Any) -> Response:
        """A bit for each row of the dataset, the lowest first: whether it is selected."""
        selection = session.selections.of(request.path_params["name"])
        with session.lock:
            return _bits(session, selection.ids)

    @route("/api/map/ids")
    def ids(request: Request, _body: Any) -> Any:
        """The sample ids of `rows`, at most 200 numbers of rows with commas between."""
        texts = [one for one in request.query_params.get("rows", "").split(",") if one]
        if len(texts) > _MOST_POINTS:
            raise UsageError(f"{len(texts)} rows are asked for; ask for at most {_MOST_POINTS}")
        with session.lock:
            return {"ids": [_id_of(session, text) for text in texts]}

    @route("/api/map/points/{row}")
    def point(request: Request, _body: Any) -> Any:
        """The picture of a row, and its place in `answer`."""
        key = request.query_params.get("answer")
        with session.lock:
            name = _id_of(session, request.path_params["row"])
        place = -1 if key is None else pc.index(session.answers.of(key).ids, name).as_py()
        return {"id": name, "place": None if place < 0 else place}


def _said(session: Session, key: MapKey) -> dict[str, Any]:
    made = session.table.map_made(key.column) if key.kind == "neighbors" else None
    default = session.workspace.samples.default_vector_column()
    return {
        "key": str(key),
        "kind": key.kind,
        "encoder": key.column.spec,
        "default": key.column == default,
        "trustworthiness": None if made is None else made.trustworthiness,
        "neighbors_kept": None if made is None else made.neighbors_kept,
    }


def _cluster_names(session: Session) -> dict[str, str]:
    from tamis.services.cluster.names import cluster_names

    samples = session.workspace.samples
    if not samples.has(Column.CLUSTER):
        return {}
    rows = samples.of().having(Column.CLUSTER).table(Column.SAMPLE_ID, Column.CLUSTER)
    numbers: NDArray[np.int64] = np.asarray(rows.column(1), np.int64)
    names = cluster_names(session.workspace, rows.column(0).to_pylist(), numbers)
    return {str(number): name for number, name in enumerate(names)}


def _bits(session: Session, ids: pa.Array) -> Response:
    bits = np.zeros(len(session.table), bool)
    bits[session.table.positions(ids)] = True
    return Response(np.packbits(bits, bitorder="little").tobytes(), media_type=_BYTES)


def _id_of(session: Session, row: str) -> str:
    table = session.table
    if not row.isdecimal() or len(row) > _MOST_DIGITS or int(row) >= len(table):
        raise UsageError(f"there is no row {row[:40]!r}")
    name: str = table.ids[int(row)].as_py()
    return name
