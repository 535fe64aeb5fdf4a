"""A model of nominal pictures as one ONNX graph, which scores pictures of one size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tamis.algo.defects import (
    LARGEST_GAIN,
    POOLED,
    MemoryBank,
    gaussian_matrix,
    highest_count,
    pooling_matrix,
    resize_matrix,
)
from tamis.encoders.bundled import bundled_graph
from tamis.encoders.graph_part import needed_values
from tamis.errors import UsageError
from tamis.runtime.defect_places import PlaceFeatures
from tamis.runtime.defect_scores import pixel_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.defects import PatchModel
    from tamis.encoders.base import Encoder
    from tamis.encoders.tiled_maps import TilePlan
    from tamis.runtime.defect_model import DefectModel, Expert
    from tamis.runtime.defect_places import Lattice

__all__ = ["defect_graph"]

_OPSET: Final = 17
_IR_VERSION: Final = 8
_KIND: Final = "bundled:"
_TINY: Final = 1e-12


def defect_graph(model: DefectModel, encoder: Encoder, size: tuple[int, int]) -> bytes:
    """Return a model as a serialized ONNX graph for pictures of one size.

    Its input is `pixels`, `[height, width, 3]` uint8: the upright picture with its shorter side at
    the model's side, at least the encoder's (bicubic, antialiased, as Pillow resizes). Its outputs
    are `score` (float32), `anomalous` (bool) and `heat_map` `[height, width]` (float32, scores by
    place). They are those of tamis to rounding: a test holds the score to 1e-4.

    Args:
        model: what is exported.
        encoder: the model's; bundled ones can be exported.
        size: height and width of the input.

    Raises:
        UsageError: the encoder is not bundled, or a side is shorter than the encoder takes.
    """
    if not encoder.spec.startswith(_KIND):
        raise UsageError(
            f"{encoder.spec} cannot be written into a model's graph yet: only bundled encoders can"
        )
    facts = model.facts
    features = PlaceFeatures(encoder, facts.levels, side=facts.side, brightness=facts.brightness)
    if min(size) < max(features.maps.tile):
        raise UsageError(
            f"a picture of {size[1]} x {size[0]} pixels is smaller than the encoder's tile of "
            f"{features.maps.tile[1]} x {features.maps.tile[0]}"
        )
    return _Writer(model, features, size).written(bundled_graph(encoder.spec.removeprefix(_KIND)))


class _Writer:
    """Collects nodes; each method appends some and returns the name of what they compute."""

    def __init__(self, model: DefectModel, features: PlaceFeatures, size: tuple[int, int]) -> None:
        self._model, self._features, self._size = model, features, size
        self._plan: TilePlan = features.maps.plan(*size)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._joined: dict[str, str] = {}

    def written(self, encoder: bytes) -> bytes:
        """Return the whole graph."""
        tiles = self._tiles(self._steadied("pixels"))
        network = onnx.load_from_string(encoder)
        self._splice(network, tiles)
        self._join_tiles()
        scores, maps = [], []
        for expert, patches in zip(self._model.facts.experts, self._model.patches, strict=True):
            score, scaled = self._expert(expert, patches)
            scores.append(score)
            if expert.reads != "mean":
                maps.append(self._at_pixels(scaled, self._lattice(expert.levels)))
        score = self._node("Max", scores, output="score")
        threshold = self._constant(np.float32(self._model.facts.threshold))
        self._node("Greater", [score, threshold], output="anomalous")
        self._node("Max", maps, output="heat_map")
        height, width = self._size
        graph = helper.make_graph(
            self._nodes,
            "defects",
            [helper.make_tensor_value_info("pixels", TensorProto.UINT8, [height, width, 3])],
            [
                helper.make_tensor_value_info("score", TensorProto.FLOAT, []),
                helper.make_tensor_value_info("anomalous", TensorProto.BOOL, []),
                helper.make_tensor_value_info("heat_map", TensorProto.FLOAT, [height, width]),
            ],
            initializer=self._constants,
        )
        whole = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="tamis"
        )
        whole.ir_version = _IR_VERSION
        onnx.checker.check_model(whole)
        return bytes(whole.SerializeToString(deterministic=True))

    def _steadied(self, pixels: str) -> str:
        """Bring the picture to the model's brightness, rounded as `algo.defects.brightness`."""
        values = self._node("Cast", [pixels], to=TensorProto.DOUBLE)
        total = self._node("ReduceSum", [values], keepdims=0)
        height, width = self._size
        mean = self._node("Div", [total, self._constant(np.float64(height * width * 3))])
        mean = self._node("Max", [mean, self._constant(np.float64(1))])
        wanted = self._constant(np.float64(self._model.facts.brightness))
        gain = self._node("Div", [wanted, mean])
        gain = self._node("Max", [gain, self._constant(np.float64(1 / LARGEST_GAIN))])
        gain = self._node("Min", [gain, self._constant(np.float64(LARGEST_GAIN))])
        changed = self._node("Round", [self._node("Mul", [values, gain])])
        changed = self._node("Min", [changed, self._constant(np.float64(255))])
        return self._node("Cast", [changed], to=TensorProto.UINT8)

    def _tiles(self, pixels: str) -> str:
        """Cut the picture, mirrored beyond its lower and right edge, into a batch of tiles."""
        for axis, (length, whole) in enumerate(
            zip(self._size, (self._plan.height, self._plan.width), strict=True)
        ):
            if whole > length:
                mirrored = np.pad(np.arange(length), (0, whole - length), "symmetric")
                pixels = self._node("Gather", [pixels, self._constant(mirrored)], axis=axis)
        tall, wide = self._plan.tile
        tiles = [
            self._sliced(pixels, (y.start, x.start), (y.start + tall, x.start + wide), (0, 1))
            for y in self._plan.down
            for x in self._plan.across
        ]
        first = self._constant(np.array([0]))
        return self._node(
            "Concat", [self._node("Unsqueeze", [tile, first]) for tile in tiles], axis=0
        )

    def _splice(self, network: onnx.ModelProto, tiles: str) -> None:
        """Append the encoder's nodes that the levels need, fed with the tiles."""
        needed = needed_values(network, self._features.maps.levels)
        for node in network.graph.node:
            if not needed.intersection(node.output):
                continue
            for place, name in enumerate(node.input):
                node.input[place] = tiles if name == "pixels" else name
            self._nodes.append(node)
        self._constants += [one for one in network.graph.initializer if one.name in needed]

    def _join_tiles(self) -> None:
        for level in self._features.maps.levels:
            self._joined[level] = self._joined_tiles(level)

    def _joined_tiles(self, level: str) -> str:
        shape = self._features.maps.shapes[level]
        tile = self._features.maps.tile
        bands = []
        for row, y in enumerate(self._plan.down):
            band = []
            for column, x in enumerate(self._plan.across):
                number = row * len(self._plan.across) + column
                one = self._node("Gather", [level, self._constant(np.int64(number))], axis=0)
                edges = [
                    [
                        at * cells // side
                        for at in (piece.first - piece.start, piece.end - piece.start)
                    ]
                    for piece, cells, side in (
                        (y, shape.rows, tile[0]),
                        (x, shape.columns, tile[1]),
                    )
                ]
                starts, ends = zip(*edges, strict=True)
                band.append(self._sliced(one, starts, ends, (0, 1)))
            bands.append(self._node("Concat", band, axis=1))
        return self._node("Concat", bands, axis=0)

    def _lattice(self, levels: Sequence[str]) -> Lattice:
        return self._features.lattice(self._features.extent(*self._size), levels)

    def _places(self, level: str, lattice: Lattice) -> str:
        """Pool a level and bring it to a lattice, as unit vectors."""
        shape = self._features.maps.shapes[level]
        tile = self._features.maps.tile
        height = self._plan.height * shape.rows // tile[0]
        width = self._plan.width * shape.columns // tile[1]
        rows, columns = lattice.rows, lattice.columns
        down = resize_matrix(height, rows) @ pooling_matrix(height, POOLED)
        across = resize_matrix(width, columns) @ pooling_matrix(width, POOLED)
        flat = self._shaped(self._joined[level], (height, width * shape.dim))
        lines = self._node("MatMul", [self._constant(down), flat])
        lines = self._shaped(lines, (rows, width, shape.dim))
        placed = self._node("MatMul", [self._constant(across), lines])
        squares = self._node("Mul", [placed, placed])
        total = self._node("ReduceSum", [squares, self._constant(np.array([2]))], keepdims=1)
        length = self._node("Max", [self._node("Sqrt", [total]), self._constant(np.float32(_TINY))])
        unit = self._node("Div", [placed, length])
        return self._sliced(unit, (0, 0), lattice.inside, (0, 1))

    def _expert(self, expert: Expert, patches: PatchModel) -> tuple[str, str]:
        """Return an expert's score and its map in deviations."""
        lattice = self._lattice(expert.levels)
        names = [self._places(level, lattice) for level in expert.levels]
        rows, columns = lattice.inside
        scale = self._constant(np.float32(1 / np.sqrt(len(names))))
        joined = self._node("Mul", [self._node("Concat", names, axis=2), scale])
        dims = sum(self._features.maps.shapes[level].dim for level in expert.levels)
        flat = self._shaped(joined, (rows * columns, dims))
        one = self._constant(np.array([1]))
        if isinstance(patches, MemoryBank):
            alike = self._node(
                "MatMul", [flat, self._constant(np.ascontiguousarray(patches.patches.T))]
            )
            nearest = self._node("ReduceMax", [alike], axes=[1], keepdims=0)
            distances = self._node("Sub", [self._constant(np.float32(1)), nearest])
        else:
            away = self._node("Sub", [flat, self._constant(patches.mean)])
            within = self._node("MatMul", [away, self._constant(patches.basis)])
            whole, part = (
                self._node("ReduceSum", [self._node("Mul", [rest, rest]), one], keepdims=0)
                for rest in (away, within)
            )
            distances = self._node("Sub", [whole, part])
        distances = self._node("Max", [distances, self._constant(np.float32(0))])
        found = self._shaped(distances, (rows, columns))
        if expert.sigma > 0:
            down, across = (
                gaussian_matrix(rows, expert.sigma),
                gaussian_matrix(columns, expert.sigma),
            )
            found = self._node("MatMul", [self._constant(down), found])
            found = self._node("MatMul", [found, self._constant(across.T)])
        figure = self._figure(found, rows * columns, expert)
        return self._deviations(figure, expert), self._deviations(found, expert)

    def _figure(self, places: str, count: int, expert: Expert) -> str:
        """Return what an expert reads from its map."""
        if expert.reads == "highest":
            most = self._constant(np.array([highest_count(count)]))
            flat = self._shaped(places, (count,))
            places = f"defects.highest{len(self._nodes)}"
            outputs = [places, f"{places}.at"]
            self._nodes.append(helper.make_node("TopK", [flat, most], outputs, axis=0))
        kind = "ReduceMax" if expert.reads == "peak" else "ReduceMean"
        return self._node(kind, [places], keepdims=0)

    def _deviations(self, values: str, expert: Expert) -> str:
        above = self._node("Sub", [values, self._constant(np.float32(expert.center))])
        return self._node("Div", [above, self._constant(np.float32(expert.spread))])

    def _at_pixels(self, places: str, lattice: Lattice) -> str:
        padded = (self._plan.height, self._plan.width)
        down, across = (
            pixel_lines(cells, inside, whole, length, length)
            for cells, inside, whole, length in zip(
                lattice[:2], lattice.inside, padded, self._size, strict=True
            )
        )
        lines = self._node("MatMul", [self._constant(down), places])
        return self._node("MatMul", [lines, self._constant(np.ascontiguousarray(across.T))])

    def _shaped(self, values: str, shape: Sequence[int]) -> str:
        return self._node("Reshape", [values, self._constant(np.array(shape, np.int64))])

    def _sliced(
        self, values: str, starts: Sequence[int], ends: Sequence[int], axes: Sequence[int]
    ) -> str:
        bounds = [self._constant(np.array(one, np.int64)) for one in (starts, ends, axes)]
        return self._node("Slice", [values, *bounds])

    def _node(
        self, kind: str, inputs: Sequence[str], *, output: str | None = None, **attributes: Any
    ) -> str:
        name = output or f"defects.{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def _constant(self, value: NDArray[Any] | np.generic) -> str:
        name = f"defects.constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name
