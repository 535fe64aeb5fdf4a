"""Pictures scored by a model of nominal ones."""

from __future__ import annotations

import hashlib
import io
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tamis.algo.defects import implied_rate, regions_of
from tamis.algo.run_lengths import counts_of, write_counts
from tamis.dataset.annotation_layers import TRUTH, check_layer
from tamis.errors import UsageError
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.formats.annotations.source_annotation import Placed, SourceAnnotation
from tamis.formats.exports.destination import new_file
from tamis.images.thumbnail import thumbnail
from tamis.machine import one_blas_thread
from tamis.pages.gallery_page import Threshold
from tamis.runtime.defect_models import find_model
from tamis.runtime.defect_scores import PictureScorer
from tamis.services.defects.batch import FAR, batch_scorer
from tamis.services.defects.gallery import write_gallery
from tamis.services.defects.overlay import OVERLAY_SIDE, overlay
from tamis.services.defects.pictures import pictures_to_score
from tamis.services.defects.result import DefectRegion, DefectsReport, ScoredPicture
from tamis.services.defects.rows import looked_at
from tamis.services.defects.truth import Truth, agreement, compared_size
from tamis.types import Failure
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tamis.algo.defects import Region
    from tamis.runtime.decoded_rows import Pixels
    from tamis.runtime.defect_model import DefectModel
    from tamis.runtime.defect_scores import PictureScore
    from tamis.runtime.workspace import Workspace
    from tamis.services.defects.contract import DefectsScore
    from tamis.services.defects.pictures import ToScore
    from tamis.services.defects.rows import PictureRow
    from tamis.verbs.feedback import Feedback

__all__ = ["score"]

_NEARLY: Final = 0.95


@one_blas_thread()
def score(
    workspace: Workspace | None, request: DefectsScore, feedback: Feedback = SILENT
) -> DefectsReport:
    """Score pictures; regions of rows of the dataset become a layer, as one operation.

    Memory is that of the model and of the pictures under way; with a truth, also of a heat-map of
    at most 512 pixels a side for each picture.

    Raises:
        UsageError: there is no such model, or the layer is the truth's.
        InputError: a source, the model or the truth cannot be read.
        EncoderError: the encoder is not the model's any more.
        StorageError: the disk refuses.
    """
    begin = time.process_time()
    if check_layer(request.layer) == TRUTH:
        raise UsageError("regions that a model finds are no truth: name another layer")
    model, path = (None, None) if request.batch else find_model(workspace, request.model)
    threshold = FAR if model is None else model.facts.threshold
    if request.threshold is not None:
        threshold = request.threshold
    with pictures_to_score(workspace, request, model, feedback) as to_score:
        scores, side, encoder = _scorer(model, path, to_score, feedback)
        wanted = _Wanted(
            scores,
            threshold,
            None if request.maps is None else request.maps.expanduser(),
            Truth(to_score.samples.store, request, to_score.rows)
            if request.truth is not None or request.masks is not None
            else None,
            thumbnails=request.gallery is not None,
        )
        found, failed = [], list(to_score.failed)
        for row, one in looked_at(
            to_score.rows,
            side,
            wanted.look,
            feedback.stage("score"),
        ):
            if isinstance(one, Failure):
                failed.append(one)
            else:
                found.append((row, one))
        found.sort(key=lambda pair: (-pair[1].picture.score, pair[0].sample_id))
        pictures = [one.picture for _, one in found]
        notes = list(to_score.notes)
        if request.batch:
            notes.append(
                "the pictures scored each other: no false-alarm rate is promised, and a flaw that "
                "many of them have is not seen"
            )
        layer = None
        if to_score.stored and workspace is not None:
            layer = request.layer
            _write_layer(workspace, request, found, encoder)
            pictures = [
                replace(one, sample_id=row.sample_id)
                for (row, _), one in zip(found, pictures, strict=True)
            ]
        gallery = None
        if request.gallery is not None:
            nominal = () if model is None else tuple(model.group_scores.tolist())
            moved = Threshold(threshold, nominal)
            gallery = str(
                write_gallery(found, moved, _lead(model, encoder), notes, request.gallery)
            )
    truth = None
    if wanted.truth is not None and found:
        compared = [one.compared for _, one in found if one.compared is not None]
        truth = agreement(pictures, [heat for heat, _ in compared], [mask for _, mask in compared])
    return DefectsReport(
        threshold=threshold,
        false_alarm_rate=_rate(model, request.threshold),
        anomalous=sum(one.anomalous for one in pictures),
        pictures=pictures,
        truth=truth,
        layer=layer,
        gallery=gallery,
        model=None if path is None else str(path),
        failed=failed,
        seconds=time.process_time() - begin,
        notes=notes,
    )


def _scorer(
    model: DefectModel | None, path: Path | None, to_score: ToScore, feedback: Feedback
) -> tuple[Callable[[PictureRow, Pixels], PictureScore], int, str]:
    """Return what scores a picture, the side it must be decoded at, and the encoder's spec."""
    if model is None:
        column = to_score.samples.default_vector_column() if to_score.stored else None
        spec = "default" if column is None else column.spec
        encoder = to_score.encoders.load_named_in(to_score.samples.store.path, spec)
        batch = batch_scorer(to_score.rows, encoder, 0, feedback)
        return batch.score, batch.features.decode_side, encoder.spec
    encoder = to_score.encoders.load_named_in(path, model.facts.encoder)
    scorer = PictureScorer(model, encoder)
    side = scorer.features.decode_side
    return lambda _row, picture: scorer.score(picture), side, encoder.spec


def _rate(model: DefectModel | None, threshold: float | None) -> float | None:
    if model is None:
        return None
    if threshold is None:
        return model.facts.promised
    return implied_rate(model.scores, model.groups, threshold)


def _lead(model: DefectModel | None, encoder: str) -> str:
    if model is None:
        return f"Scored by each other, by {encoder}"
    levels = ", ".join(model.facts.levels)
    return f"Scored by {encoder}, {levels}, fitted to {model.facts.pictures:,} nominal pictures"


@dataclass(frozen=True)
class Looked:
    """What came of a picture.

    Attributes:
        picture: what is told of it.
        thumbnail: JPEG with the heat-map; empty unless wanted.
        compared: its heat-map and the true mask.
    """

    picture: ScoredPicture
    thumbnail: bytes = b""
    compared: tuple[NDArray[np.float32], NDArray[np.bool_]] | None = None


@dataclass(frozen=True)
class _Wanted:
    """What is made of each picture."""

    scorer: Callable[[PictureRow, Pixels], PictureScore]
    threshold: float
    maps: Path | None
    truth: Truth | None
    thumbnails: bool

    def look(self, row: PictureRow, picture: Pixels) -> Looked:
        found = self.scorer(row, picture)
        anomalous = found.score > self.threshold
        size = (row.height, row.width)
        regions: Sequence[Region] = ()
        if anomalous:
            heat = found.heat_map(size)
            if found.peak > self.threshold:
                # pixels lie between the centers of places, and may just miss the highest
                regions = regions_of(heat, min(self.threshold, _NEARLY * float(heat.max())))
        shown = None
        drawn = b""
        if self.maps is not None or self.thumbnails:
            drawn, shown = self._drawn(row, picture, found, regions)
        compared = None
        if self.truth is not None:
            heat = found.heat_map(compared_size(row.width, row.height))
            compared = (heat, self.truth.mask(row))
        told = ScoredPicture(
            path=row.path,
            score=found.score,
            anomalous=anomalous,
            regions=[_region(one) for one in regions],
            map=shown,
        )
        return Looked(told, drawn, compared)

    def _drawn(
        self, row: PictureRow, picture: Pixels, found: PictureScore, regions: Sequence[Region]
    ) -> tuple[bytes, str | None]:
        scale = min(1.0, OVERLAY_SIDE / max(row.width, row.height))
        size = (max(1, round(row.height * scale)), max(1, round(row.width * scale)))
        boxes = [_scaled(one.box, scale) for one in regions]
        left, top, right, bottom = map(round, picture.extent)
        image = picture.image.crop((left, top, right, bottom))
        made = overlay(image, found.heat_map(size), self.threshold, boxes)
        path = None
        if self.maps is not None:
            place = hashlib.blake2b(row.path.encode("utf-8", "surrogateescape"), digest_size=4)
            path = self.maps / f"{Path(row.path).stem}-{place.hexdigest()}.jpg"
            content = io.BytesIO()
            made.save(content, "JPEG", quality=90)
            with new_file(path, overwrite=True) as draft:
                draft.write_bytes(content.getvalue())
        return thumbnail(made) if self.thumbnails else b"", None if path is None else str(path)


def _scaled(box: tuple[int, int, int, int], scale: float) -> tuple[int, int, int, int]:
    left, top, width, height = (round(edge * scale) for edge in box)
    return left, top, width, height


def _region(one: Region) -> DefectRegion:
    return DefectRegion(one.box, one.area, one.peak, write_counts(counts_of(one.mask)))


def _write_layer(
    workspace: Workspace,
    request: DefectsScore,
    found: Sequence[tuple[PictureRow, Looked]],
    author: str,
) -> None:
    """Write what was found in place of what the layer says of the same pictures."""
    rows = AnnotationRows(request.layer, author)
    for row, one in found:
        picture = one.picture
        number = SourceAnnotation(row.path, "score", kind="number", value=picture.score)
        rows.add(row.sample_id, number, Placed())
        rows.add_class(row.sample_id, "anomalous" if picture.anomalous else "normal")
        for region in picture.regions:
            entry = SourceAnnotation(row.path, "defect", kind="mask", value=region.peak)
            rows.add(row.sample_id, entry, Placed(region.box, (), region.mask))
    with workspace.store.operation("defects score", request=request) as operation:
        operation.remove_annotations(request.layer, [row.sample_id for row, _ in found])
        operation.add_annotations(rows.table())
        operation.counts |= {
            "pictures": len(found),
            "anomalous": sum(one.picture.anomalous for _, one in found),
        }
