"""The Python face: one object whose methods are the verbs of the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamis.interfaces.stored import Stored
from tamis.interfaces.verbs import Verbs
from tamis.runtime.dataset_at import open_dataset
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from tamis.dataset.split_column import Fold
    from tamis.encoders.base import Encoder
    from tamis.interfaces.server.notebook import NotebookApp
    from tamis.runtime.indexing import IndexAudit
    from tamis.runtime.torch_pictures import Target, TorchPictures
    from tamis.services.annotate.arrays import AnnotationsAdded, BoxFormat
    from tamis.services.encoders.result import EncoderExport
    from tamis.types import PathLike, Vectors

__all__ = ["Dataset", "encoder", "export_encoder", "open"]


def open(path: PathLike, *, create: bool = True, snapshot: int | str | None = None) -> Dataset:  # noqa: A001
    """Open the dataset at `path`, creating an empty one if there is none.

    Args:
        path: the dataset's folder, by custom `NAME.tamis`; or the address at an object store that
            it was pushed to, which is read and cannot be changed.
        create: make the dataset if there is none.
        snapshot: read the dataset as it was at this snapshot number or tag, and refuse changes.

    Raises:
        DatasetMissingError: there is no dataset and `create` is false.
        DatasetTooNewError: a later tamis wrote it.
    """
    store = open_dataset(Path(path), create=create and snapshot is None, snapshot=snapshot)
    return Dataset(store)


def encoder(spec: str = "default", **options: Any) -> Encoder:
    """Load the encoder that `spec` names, e.g. `bundled:efficientnet-lite0` or `hf:FOLDER`.

    Raises:
        UnknownEncoderError: no encoder has that name.
        MissingExtraError: it needs a package that is not installed.
    """
    from tamis.encoders.registry import load_encoder

    return load_encoder(spec, **options)


def export_encoder(
    spec: str, out: PathLike, pictures: Sequence[PathLike], **options: Any
) -> EncoderExport:
    """Write an encoder that PyTorch runs as a file that needs no PyTorch.

    Vectors of both are compared on the pictures first, and only a file that stands in well enough
    is kept.

    Args:
        spec: the encoder, e.g. `hf:FOLDER`.
        out: a file ending in .onnx or .xml, or a folder.
        pictures: folders, globs, files or archives of pictures such as it will see.
        options: the other fields of `tamis.services.encoders.contract.ExportEncoder`, such as
            `runtime="openvino"`, `precision="int8"`, `min_overlap=.95`.

    Raises:
        MissingExtraError: it needs a package that is not installed.
        UsageError: an option does not fit, or the file exists.
        EncoderError: the encoder cannot be loaded or written.
        InputError: too few pictures can be read.
    """
    from tamis.runtime.workspace import execute
    from tamis.services.encoders.contract import ExportEncoder

    named = [os.fspath(source) for source in pictures]
    return execute(None, ExportEncoder(spec, out=Path(out), pictures=named, **options))


class Dataset(Stored, Verbs):
    """A dataset on disk and all that can be done with it; made by `tamis.open`.

    Example:
        >>> import tempfile, tamis
        >>> ds = tamis.open(tempfile.mkdtemp() + "/line3.tamis")
        >>> len(ds)
        0
    """

    def __len__(self) -> int:
        return self.store.count()

    def __repr__(self) -> str:
        return f"Dataset({str(self.store.path)!r}, {counted(len(self), 'sample')})"

    @property
    def path(self) -> Path:
        """Where the dataset lies."""
        return self.store.path

    def vectors(self, encoder: str | None = None, where: str | None = None) -> Vectors:
        """Return the vectors `[N, D]` float32 of the pictures that have one, in dataset order."""
        return self.store.vectors(self.vector_column(encoder), where)[1]

    def table(self, columns: Sequence[str] | None = None, where: str | None = None) -> pa.Table:
        """Return rows as an Arrow table; without `columns` all but thumbnails and vectors."""
        return self.store.read(columns or self.narrow_columns(), where)

    def annotations(
        self,
        where: str | None = None,
        *,
        layer: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return annotations as an Arrow table, in the order in which they came.

        Args:
            where: an SQL condition on the columns of annotations, such as `label = 'dog'`.
            layer: only those of this layer.
            columns: all if None; see `tamis.dataset.annotation_columns.ANNOTATIONS`.

        Raises:
            UsageError: a column is unknown, or `where` is no condition.
        """
        from tamis.dataset.annotation_layers import check_layer
        from tamis.dataset.conditions import all_of

        of_layer = None if layer is None else f"layer = '{check_layer(layer)}'"
        return self.store.annotations(columns, all_of(of_layer, where))

    def torch(
        self,
        split: str | None = None,
        *,
        where: str | None = None,
        layer: str = "truth",
        target: Target = "objects",
        classes: Sequence[str] | None = None,
        transforms: Callable[[Any, Any], Any] | None = None,
    ) -> TorchPictures:
        """Return pictures and their annotations as a PyTorch `Dataset`.

        Args:
            split: only pictures of this split.
            where: only pictures that meet this condition.
            layer: whose annotations.
            target: `objects`, a dict as torchvision's detectors take it, or `label`, the number of
                the picture's class; pictures without one are left out then.
            classes: the classes in the order of their numbers; if None, those of the layer by name.
            transforms: called with picture and target, returns both.

        Raises:
            MissingExtraError: PyTorch is not installed.
            UsageError: no picture is left, or a class is not among `classes`.
        """
        from importlib.util import find_spec

        from tamis.dataset.annotation_layers import check_layer
        from tamis.errors import MissingExtraError

        if find_spec("torch") is None:
            raise MissingExtraError("ds.torch", "timm")
        from tamis.runtime.torch_pictures import TorchPictures

        return TorchPictures(
            self.workspace,
            split=split,
            where=where,
            layer=check_layer(layer),
            target=target,
            classes=classes,
            transforms=transforms,
        )

    def app(self, *, height: int = 720, framed_by: Sequence[str] = ()) -> NotebookApp:
        """Show the page in a notebook: the last value of a cell becomes a frame.

        `app.selection` tells what is selected there, as a condition for every verb's `where`.

        Args:
            height: of the frame, in pixels.
            framed_by: origins of notebooks that are not shown from this machine's own addresses,
                such as `https://hub.example.org`; their browser must reach this machine.

        Raises:
            MissingExtraError: the extra `app` is not installed.
            UsageError: the height or an origin cannot be used.
        """
        from tamis.interfaces.server.notebook import open_in_notebook

        return open_in_notebook(self.path, height, tuple(framed_by))

    def add_annotations(
        self,
        pictures: Sequence[PathLike],
        labels: Any,
        *,
        layer: str,
        boxes: Any = None,
        box_format: BoxFormat = "xywh",
        scores: Any = None,
        masks: Any = None,
        polygons: Any = None,
        keypoints: Any = None,
        replace: bool = False,
        author: str | None = None,
    ) -> AnnotationsAdded:
        """Add objects or classes from arrays to a layer, as one operation.

        All arguments have either one row an annotation, so that a picture is named for each of
        its own, or one entry a picture, each a list or array of its annotations: `labels` tells.
        Without a shape they are classes of pictures, of which each may have several.

        Args:
            pictures: paths or sample ids, `[N]`.
            labels: classes by name, or one name for all.
            layer: the layer; `truth` takes no scores.
            boxes: `[..., 4]` in pixels of the upright picture.
            box_format: `xywh` from the upper left corner, `xyxy`, or `cxcywh` from the middle.
            scores: confidences in [0, 1].
            masks: `[height, width]` bool each, of the whole upright picture.
            polygons: a ring `[P, 2]` each, or a list of rings.
            keypoints: `[K, 2]` each, or `[K, 3]` with visibility.
            replace: first empty the layer.
            author: who made them.

        Raises:
            UsageError: lengths differ, a picture is unknown, or values are no annotations.

        Example:
            >>> import tempfile, tamis
            >>> from PIL import Image
            >>> folder = tempfile.mkdtemp()
            >>> Image.effect_noise((64, 48), 50).save(folder + "/a.png")
            >>> ds = tamis.open(folder + "/d.tamis")
            >>> _ = ds.add(folder)
            >>> found = ds.add_annotations(
            ...     ["a.png"],
            ...     labels=[["cat", "dog"]],
            ...     boxes=[[(4, 4, 20, 24), (30, 8, 60, 40)]],
            ...     scores=[[0.9, 0.4]],
            ...     box_format="xyxy",
            ...     layer="detector",
            ... )
            >>> found.added
            2
            >>> ds.annotations("confidence > 0.5", columns=["label", "width"]).to_pylist()
            [{'label': 'cat', 'width': 16.0}]
        """
        from tamis.services.annotate.arrays import add_arrays

        return add_arrays(
            self.workspace,
            [os.fspath(picture) for picture in pictures],
            labels,
            layer=layer,
            boxes=boxes,
            box_format=box_format,
            scores=scores,
            masks=masks,
            polygons=polygons,
            keypoints=keypoints,
            replaced=replace,
            author=author,
        )

    def narrow_columns(self) -> list[str]:
        """Return the names of all columns but thumbnails and vectors."""
        return self.samples.narrow_columns()

    def audit_index(self, encoder: str | None = None, *, seed: int = 0) -> IndexAudit | None:
        """Measure what the index loses and gains against exact search; None without an index."""
        from tamis.runtime.indexing import audit_index

        return audit_index(self.store, self.vector_column(encoder), seed=seed)

    def folds(self) -> list[Fold]:
        """Return the folds that `split(folds=K)` marked: paths to train on, and those held out.

        Raises:
            UsageError: no picture has a fold.
        """
        from tamis.dataset.split_column import folds

        return folds(self.store)
