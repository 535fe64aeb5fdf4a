"""The Python face: one object whose methods are the verbs of the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.interfaces.parting import Parting
from tamis.interfaces.verbs import Verbs
from tamis.interfaces.watching import Watching
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from tamis.dataset.difference import Diff
    from tamis.dataset.history import LogEntry
    from tamis.dataset.orphans import Freed
    from tamis.encoders.base import Encoder
    from tamis.formats.exports import ExportReport
    from tamis.formats.exports.export import Format
    from tamis.runtime.embed import EmbedReport
    from tamis.runtime.indexing import IndexAudit
    from tamis.runtime.ingest import IngestReport
    from tamis.services.check import CheckReport
    from tamis.services.curate import CurateReport
    from tamis.services.duplicates.contract import Drop
    from tamis.services.encoders.result import EncoderExport
    from tamis.services.relink import RelinkReport
    from tamis.services.split.folds import Fold
    from tamis.types import Progress, Vectors

__all__ = ["Dataset", "encoder", "export_encoder", "open"]

PathLike = str | os.PathLike[str]


def open(path: PathLike, *, create: bool = True, snapshot: int | str | None = None) -> Dataset:  # noqa: A001
    """Open the dataset at `path`, creating an empty one if there is none.

    Args:
        path: the dataset's folder, by custom `NAME.tamis`.
        create: make the dataset if there is none.
        snapshot: read the dataset as it was at this snapshot number or tag, and refuse changes.

    Raises:
        DatasetMissingError: there is no dataset and `create` is false.
        DatasetTooNewError: a later tamis wrote it.
    """
    store = Store.open(Path(path), create=create and snapshot is None, snapshot=snapshot)
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


class Dataset(Verbs, Parting, Watching):
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
        return f"Dataset({str(self.store.path)!r}, {len(self)} samples)"

    @property
    def path(self) -> Path:
        """Where the dataset lies."""
        return self.store.path

    # -- fill ---------------------------------------------------------------------------------

    def add(
        self,
        *sources: PathLike,
        labels: str = "none",
        label_level: int | None = None,
        exclude: Sequence[str] = (),
        every: float | str | None = None,
        new_only: bool = False,
        threshold: float | None = None,
        encoder: str | Encoder = "default",
        threads: int | None = None,
        progress: Progress = no_progress,
    ) -> IngestReport:
        """Add the pictures of folders, globs, files, archives and videos; never anything twice.

        With `new_only` what is like a sample of the dataset, by the vectors of an encoder, is left
        out, and what is added gets its vector at once; the report is a `NewsReport`.

        Args:
            sources: what to add.
            labels: `none`, `folder` (the name of a folder that the picture lies in) or a CSV or
                Parquet file with the columns path, label and split.
            label_level: which folder is the label: 1 the first below the source, 0 the source
                itself, -1 the one that holds the picture, -2 the one above. If not given, the
                nearest to the pictures that tells them apart, which the report says.
            exclude: patterns of files and folders to leave out, such as `*.png` or `masks`.
            every: which frames of videos become samples: seconds from one to the next, `frame`
                (all) or `keyframe`. If not given, one a second of videos that are named, and none
                of those in folders; with `new_only` all frames of all videos.
            new_only: add only what differs from all that is in the dataset already.
            threshold: cosine similarity from which on a picture counts as like another; .92 if not
                given. Only with `new_only`.
            encoder: the encoder that tells, a spec or loaded. Only with `new_only`.
            threads: decoding threads; the number of cores if not given.
            progress: told how far it has come.

        Raises:
            InputError: a source does not exist or holds no picture.
            MissingExtraError: there are videos to read and the extra `video` is not installed.
            UsageError: `every` is none of these, or the threshold is out of range.
        """
        from tamis.runtime.ingest import ingest
        from tamis.runtime.ingest_new import DEFAULT_THRESHOLD, ingest_new
        from tamis.sources.video.sampling import EVERY_FRAME, parse_sampling

        named = [os.fspath(source) for source in sources]
        sampling = None if every is None else parse_sampling(str(every))
        if new_only:
            if isinstance(encoder, str):
                encoder = self.encoders.load(encoder, threads=None)
            return ingest_new(
                self.store,
                named,
                encoder,
                threshold=DEFAULT_THRESHOLD if threshold is None else threshold,
                labels=labels,
                label_level=label_level,
                exclude=exclude,
                sampling=sampling or EVERY_FRAME,
                progress=progress,
                threads=threads,
            )
        if threshold is not None:
            raise UsageError("a threshold says what counts as new; give it with --new-only")
        return ingest(
            self.store,
            named,
            labels=labels,
            label_level=label_level,
            exclude=exclude,
            sampling=sampling,
            progress=progress,
            threads=threads,
        )

    def embed(
        self,
        encoder: str | Encoder = "default",
        *,
        dtype: str = "float32",
        retry: bool = False,
        batch_size: int | None = None,
        progress: Progress = no_progress,
        **options: Any,
    ) -> EmbedReport:
        """Compute vectors for the pictures that lack them.

        Args:
            encoder: a spec such as `bundled:efficientnet-lite0`, or a loaded encoder.
            dtype: how vectors are stored, `float32` or `float16`.
            retry: try again the pictures that failed before.
            batch_size: pictures for one call of the encoder; found by itself if not given.
            progress: told how far it has come.
            options: passed to the encoder's loader, such as `device="cuda"`.
        """
        from tamis.runtime.embed import embed

        if isinstance(encoder, str):
            encoder = self.encoders.load(encoder, **options)
        return embed(
            self.store,
            encoder,
            dtype=dtype,
            retry=retry,
            batch_size=batch_size,
            progress=progress,
        )

    # -- look ---------------------------------------------------------------------------------

    def vectors(self, encoder: str | None = None, where: str | None = None) -> Vectors:
        """Return the vectors `[N, D]` float32 of the pictures that have one, in dataset order."""
        return self.store.vectors(self.vector_column(encoder), where)[1]

    def table(self, columns: Sequence[str] | None = None, where: str | None = None) -> pa.Table:
        """Return rows as an Arrow table; without `columns` all but thumbnails and vectors."""
        return self.store.read(columns or self.narrow_columns(), where)

    def narrow_columns(self) -> list[str]:
        """Return the names of all columns but thumbnails and vectors."""
        wide = {"thumbnail", *(column.name for column in self.store.vector_columns())}
        return [name for name in self.store.columns() if name not in wide]

    def info(self) -> dict[str, Any]:
        """Return what is in the dataset: counts of samples, failures, labels, splits, vectors."""
        from tamis.services.info import describe

        return describe(self.store)

    def gone(self) -> dict[str, int]:
        """Return how many pictures are `missing`, `changed` or `unreadable` on disk by now.

        Time stamps are believed; `check` reads every file.
        """
        from tamis.dataset.presence import find_gone

        kinds = [one.kind for one in find_gone(self.store)]
        return {kind: kinds.count(kind) for kind in ("missing", "changed", "unreadable")}

    # -- choose -------------------------------------------------------------------------------

    def curate(
        self,
        *sources: PathLike,
        keep: int,
        out: PathLike,
        labels: str = "none",
        label_level: int | None = None,
        exclude: Sequence[str] = (),
        every: float | str | None = None,
        encoder: str = "default",
        drop: Drop = "copies",
        seed: int = 0,
        stage: Callable[[str], Progress] = lambda _name: no_progress,
    ) -> CurateReport:
        """Do the main job: add, embed, drop copies, select `keep`, split, export, report."""
        from tamis.services.curate import curate
        from tamis.sources.video.sampling import parse_sampling

        return curate(
            self.store,
            [os.fspath(source) for source in sources],
            keep=keep,
            out=Path(out),
            labels=labels,
            label_level=label_level,
            exclude=exclude,
            sampling=None if every is None else parse_sampling(str(every)),
            encoder=encoder,
            drop=drop,
            seed=seed,
            stage=stage,
            encoders=self.encoders,
        )

    # -- hand over ----------------------------------------------------------------------------

    def export(
        self,
        format: Format,  # noqa: A002 - the verb's own word
        out: PathLike,
        *,
        where: str | None = None,
        **options: Any,
    ) -> ExportReport:
        """Write rows to `out` as `folder`, `csv` or `parquet`; originals are never touched."""
        from tamis.formats.exports import export

        return export(self.store, format, Path(out), where=where, **options)

    def report(self, out: PathLike = "report.html") -> Path:
        """Write one self-contained HTML file about the dataset, and return its path."""
        from tamis.services.report import write_report
        from tamis.services.split.check import audit_if_split

        return write_report(self.store, Path(out), audit=audit_if_split(self.workspace))

    def audit_index(self, encoder: str | None = None, *, seed: int = 0) -> IndexAudit | None:
        """Measure what the index loses and gains against exact search; None without an index."""
        from tamis.runtime.indexing import audit_index

        return audit_index(self.store, self.vector_column(encoder), seed=seed)

    def folds(self) -> list[Fold]:
        """Return the folds that `split(folds=K)` marked: paths to train on, and those held out.

        Raises:
            UsageError: no picture has a fold.
        """
        from tamis.services.split.folds import folds

        return folds(self.store)

    # -- history ------------------------------------------------------------------------------

    def log(self) -> list[LogEntry]:
        """Return every operation, oldest first."""
        return self.store.log()

    def undo(self) -> LogEntry:
        """Take back the last operation and return its entry."""
        return self.store.undo()

    def diff(self, a: int | str, b: int | str) -> Diff:
        """Return what changed between two snapshots or tags."""
        return self.store.diff(a, b)

    def tag(self, name: str) -> None:
        """Name the present snapshot."""
        self.store.tag(name)

    def check(self, *, progress: Progress = no_progress) -> CheckReport:
        """Read the whole dataset and every picture's file; list what is missing or damaged."""
        from tamis.services.check import check

        return check(self.path, progress=progress)

    def relink(
        self, old: PathLike, new: PathLike, *, progress: Progress = no_progress
    ) -> RelinkReport:
        """Follow pictures that were moved from the root `old` to `new`.

        A picture whose file is not there, or holds something else, is left as it is.

        Raises:
            InputError: there is no `new`, or no picture of the dataset was moved there.
            UsageError: `old` means several roots, or pictures are in the dataset at both places.
        """
        from tamis.services.relink import relink

        return relink(self.store, os.fspath(old), os.fspath(new), progress=progress)

    def gc(self) -> Freed:
        """Remove what killed writers left behind, and return what was freed."""
        return self.store.gc()
