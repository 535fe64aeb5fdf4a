"""Every verb that works on a dataset, as a method; written by `make golden`."""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from threading import Event
from typing import Any, Literal

from tamis.types import Progress
from tamis.services.add.contract import AddReport
from tamis.services.add.contract import PartsReport
from tamis.services.align.contract import AlignReport
from tamis.services.annotate.contract import ClearReport
from tamis.services.annotate.contract import ImportReport
from tamis.services.annotate.contract import LayersReport
from tamis.services.annotate.contract import SetReport
from tamis.services.check.contract import CheckReport
from tamis.services.cluster.contract import ClusterReport
from tamis.services.coverage.contract import CoverageReport
from tamis.services.curate.contract import CurateReport
from tamis.services.defects.result import DefectsExportReport
from tamis.services.defects.result import DefectsFitReport
from tamis.services.defects.result import DefectsReport
from tamis.services.drift.result import DriftFitReport
from tamis.services.drift.result import DriftReport
from tamis.services.duplicates.result import DuplicateReport
from tamis.services.embed.contract import EmbedReport
from tamis.services.encoders.contract import DefaultEncoderReport
from tamis.services.evaluate.contract import EvaluateReport
from tamis.services.export.contract import ExportReport
from tamis.services.history.contract import CheckoutReport
from tamis.services.history.contract import DiffReport
from tamis.services.history.contract import FreedReport
from tamis.services.history.contract import LogReport
from tamis.services.history.contract import RedoReport
from tamis.services.history.contract import TagReport
from tamis.services.history.contract import UndoReport
from tamis.services.index.contract import IndexReport
from tamis.services.info.result import InfoReport
from tamis.services.labeling.contract import MislabelReport
from tamis.services.labeling.contract import PropagationReport
from tamis.services.labeling.contract import ReviewQueue
from tamis.services.probe.contract import ProbePredictions
from tamis.services.probe.contract import ProbeTraining
from tamis.services.relink.result import RelinkReport
from tamis.services.report.contract import ReportWritten
from tamis.services.scores.contract import ScoreReport
from tamis.services.search.contract import SearchReport
from tamis.services.select.result import Round
from tamis.services.select.result import Selection
from tamis.services.select.result import Simulation
from tamis.services.split.result import SplitReport
from tamis.services.text_filter.contract import FilterReport
from tamis.services.watch.result import WatchReport

class Verbs:

    def add(
        self,
        *sources: str | PathLike[str],
        labels: str | PathLike[str] = ...,
        label_level: int | None = ...,
        exclude: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        every: float | Literal['frame', 'keyframe'] | None = ...,
        new_only: bool = ...,
        threshold: float | None = ...,
        encoder: str | PathLike[str] | Any = ...,
        crops: str | PathLike[str] | None = ...,
        min_box: int = ...,
        tiles: int | None = ...,
        threads: int | None = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> AddReport:
        """Add pictures and frames of videos; adding again adds nothing twice.

        With new-only, what is like a sample of the dataset, by the vectors of an encoder, is left out,
        and what is added gets its vector at once.

        Args:
            sources: Folders, globs, pictures, videos, zip or tar archives.
            labels: Take labels from folder names or a table (CSV, Parquet).
            label_level: Which folder is the label: 1 the first below the source, 0 the source itself, -1 the one that holds the picture, -2 the one above. Default: what tells pictures apart.
            exclude: Leave out files and folders, such as '*.png' or masks.
            every: How often to take a frame of videos, also of those in folders. Default: 1 for videos that are named, none in folders.
            new_only: Add only what is unlike all that is in the dataset by its vector, so neither copies nor other pictures that are much the same; of videos every frame is looked at, unless --every says else.
            threshold: Cosine similarity from which new-only leaves a picture out. Default: 0.92.
            encoder: The encoder by which new-only tells.
            crops: Also add the boxes of a COCO, VOC or YOLO dataset.
            min_box: Leave out boxes with a shorter side.
            tiles: Also add N x N tiles of each picture.
            threads: Threads that read and decode. Default: one a processor.
        """

    def add_crops(
        self,
        annotations: str | PathLike[str],
        *,
        min_box: int = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> PartsReport:
        """Add the boxes of a detection dataset as samples, linked to pictures that are there.

        Args:
            annotations: A COCO file, a folder of Pascal VOC files, or a YOLO dataset.
            min_box: Leave out boxes with a shorter side.
        """

    def add_tiles(
        self,
        count: int = ...,
        *,
        where: str | PathLike[str] | None = ...,
        sources: str | PathLike[str] | Sequence[str | PathLike[str]] | None = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> PartsReport:
        """Add overlapping tiles of pictures as samples, for small things.

        Neighboring tiles share a fifth, so that what one cuts another shows whole.

        Args:
            count: Tiles along each side.
            where: Only rows that fulfill this SQL condition.
            sources: Only pictures that lie in these. Default: all.
        """

    def align(
        self,
        *,
        from_: str | PathLike[str],
        to: str | PathLike[str],
        out: str | PathLike[str] | None = ...,
        seed: int = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> AlignReport:
        """Learn texts for vectors of an encoder that reads none, from pictures that both embedded.

        The result is an encoder `aligned:FILE`, with vectors of all that the first has embedded.

        Args:
            from_: Whose vectors are to know texts.
            to: Whose texts they shall know; both have embedded 200 pictures, better 20,000.
            out: The map's file. Default: in the dataset, with which it moves.
            seed: Makes every random choice repeatable.
        """

    def coverage(
        self,
        by: str | PathLike[str] | Sequence[str | PathLike[str]] | None = ...,
        *,
        words: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        least: int = ...,
        split: str | PathLike[str] = ...,
        where: str | PathLike[str] | None = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> CoverageReport:
        """Show which scenarios the dataset and its splits cover, what they lack, and what fills a gap.

        A scenario is a value of a column, an hour or a place of capture, or a word that pictures show.

        Args:
            by: Columns, and hour, month or place of capture.
            words: A scenario in words; each picture counts for the nearest of them.
            least: Fewer pictures than this in a split are a gap.
            split: The column that names the splits.
            where: Only rows that fulfill this SQL condition.
            encoder: Which vectors to use. Default: the dataset's default encoder.
        """

    def import_annotations(
        self,
        format: Literal['auto', 'coco', 'yolo', 'voc', 'cvat', 'labelme', 'csv', 'parquet', 'folder'],
        path: str | PathLike[str],
        *,
        layer: str | PathLike[str] = ...,
        replace: bool = ...,
        reference: str | PathLike[str] | None = ...,
        author: str | PathLike[str] | None = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ImportReport:
        """Bring annotations of the dataset's pictures into a layer.

        The pictures must be in the dataset. What the layer has already is not added twice, and no other
        layer is touched.

        Args:
            format: How they are written; `auto` finds out by content.
            path: The file or folder of annotations.
            layer: The layer; `truth` holds the classes that `label` of the samples shows.
            replace: First remove all that the layer has.
            reference: The COCO file whose ids a file of results uses.
            author: Who made them.
        """

    def label(
        self,
        label: str | PathLike[str],
        *,
        where: str | PathLike[str] | None = ...,
        ids: str | PathLike[str] | Sequence[str | PathLike[str]] | None = ...,
        all: bool = ...,
        layer: str | PathLike[str] = ...,
        author: str | PathLike[str] | None = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> SetReport:
        """Give pictures a class, in place of the one that the layer gave them.

        Args:
            label: The class.
            where: Only rows that fulfill this SQL condition.
            ids: Only samples of these ids. Default: all.
            all: Every picture.
            layer: The layer; `truth` holds the classes that `label` of the samples shows.
            author: Who says so.
        """

    def clear_labels(
        self,
        *,
        where: str | PathLike[str] | None = ...,
        ids: str | PathLike[str] | Sequence[str | PathLike[str]] | None = ...,
        all: bool = ...,
        layer: str | PathLike[str] = ...,
        kind: Literal['classification', 'box', 'rotated_box', 'polygon', 'mask', 'keypoints', 'caption', 'number'] | None = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ClearReport:
        """Remove a layer's annotations of some pictures, or of all.

        Args:
            where: Only rows that fulfill this SQL condition.
            ids: Only samples of these ids. Default: all.
            all: Every picture.
            layer: The layer; `truth` holds the classes that `label` of the samples shows.
            kind: Only annotations of this kind. Default: all kinds.
        """

    def layers(
        self,
        *,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> LayersReport:
        """List the layers of annotations.

        Args:
        """

    def find_mislabels(
        self,
        *,
        where: str | PathLike[str] | None = ...,
        top: int | None = ...,
        tag: str | PathLike[str] | None = ...,
        fail: bool = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        seed: int = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> MislabelReport:
        """Find labels that are probably wrong, most suspect first.

        Args:
            where: Only rows that fulfill this SQL condition.
            top: Only the most suspect. Default: all suspects.
            tag: Give the suspects this tag. Default: none.
            fail: Exit with 1 if there are suspects.
            encoder: Which vectors to use. Default: the dataset's default encoder.
            seed: Makes every random choice repeatable.
        """

    def propagate_labels(
        self,
        *,
        where: str | PathLike[str] | None = ...,
        least_confidence: float = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        seed: int = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> PropagationReport:
        """Label pictures by the few that have a label, and say how right that is expected to be.

        The labels go to the layer `propagated`, in place of what it had; `label` stays as it is.

        Args:
            where: Only rows that fulfill this SQL condition.
            least_confidence: A picture gets no label below this probability.
            encoder: Which vectors to use. Default: the dataset's default encoder.
            seed: Makes every random choice repeatable.
        """

    def review_labels(
        self,
        number: int = ...,
        *,
        where: str | PathLike[str] | None = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        seed: int = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ReviewQueue:
        """List which pictures without a label to look at first: where a look settles most errors.

        It propagates the labels that there are now, and writes nothing.

        Args:
            number: How many.
            where: Only rows that fulfill this SQL condition.
            encoder: Which vectors to use. Default: the dataset's default encoder.
            seed: Makes every random choice repeatable.
        """

    def train_probe(
        self,
        *,
        name: str | PathLike[str] = ...,
        where: str | PathLike[str] | None = ...,
        method: Literal['auto', 'best', 'logistic', 'prototypes', 'neighbors', 'network'] = ...,
        test_split: str | PathLike[str] = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        seed: int = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ProbeTraining:
        """Fit a classifier of the labels to stored vectors, measure it, and keep it in the dataset.

        Args:
            name: The probe's name.
            where: Only rows that fulfill this SQL condition.
            method: Which kind; auto goes by the number of labels, best compares all on held-out labels.
            test_split: Pictures of this split are measured on and never fitted on.
            encoder: Which vectors to use. Default: the dataset's default encoder.
            seed: Makes every random choice repeatable.
        """

    def predict_probe(
        self,
        *,
        name: str | PathLike[str] = ...,
        where: str | PathLike[str] | None = ...,
        least_confidence: float = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ProbePredictions:
        """Predict classes of pictures by a probe, into the layer `probe_NAME`.

        Args:
            name: The probe's name.
            where: Only rows that fulfill this SQL condition.
            least_confidence: A picture gets no class below this probability.
        """

    def cluster(
        self,
        *,
        k: int | Literal['auto'] = ...,
        where: str | PathLike[str] | None = ...,
        examples: int = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        seed: int = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ClusterReport:
        """Group like pictures, name each group, and mark the pictures with the group's number.

        The mark `cluster` counts from 0, the largest first:  tamis label set CLASS --where
        "cluster = 0"

        Args:
            k: How many clusters; auto takes a number that comes again on halves.
            where: Only rows that fulfill this SQL condition.
            examples: How many pictures to list of each.
            encoder: Which vectors to use. Default: the dataset's default encoder.
            seed: Makes every random choice repeatable.
        """

    def evaluate(
        self,
        layer: str | PathLike[str],
        *,
        truth: str | PathLike[str] = ...,
        task: Literal['boxes', 'classes'] | None = ...,
        where: str | PathLike[str] | None = ...,
        by: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        confidence: float = ...,
        overlap: float = ...,
        tag: str | PathLike[str] | None = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> EvaluateReport:
        """Compare a layer of predicted boxes or classes with the truth.

        Average precision is COCO's. Precision, recall and confusion are at one confidence and one
        overlap.

        Args:
            layer: The layer of predictions.
            truth: The layer that is right.
            task: What is compared. Default: boxes if the layer of predictions has any.
            where: Only rows that fulfill this SQL condition.
            by: Columns whose values make slices, such as `split`.
            confidence: Least confidence of a prediction that counts.
            overlap: Least intersection over union of a match.
            tag: Put this tag on pictures with a mistake.
        """

    def curate(
        self,
        *sources: str | PathLike[str],
        keep: int,
        out: str | PathLike[str],
        labels: str | PathLike[str] = ...,
        label_level: int | None = ...,
        exclude: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        every: float | Literal['frame', 'keyframe'] | None = ...,
        encoder: str | PathLike[str] | Any = ...,
        drop: Literal['copies', 'changed'] = ...,
        seed: int = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> CurateReport:
        """Do the main job: add, embed, drop bad pictures and copies, select, split, report.

        Pictures of the same view with other content, such as frames of a fixed camera, are no copies
        and stay to be selected, unless `drop` says so.

        Args:
            sources: Folders, globs, pictures, videos, zip or tar archives.
            keep: How many pictures to keep.
            out: Where the result goes.
            labels: Take labels from folder names or a table (CSV, Parquet).
            label_level: Which folder is the label: 1 the first below the source, 0 the source itself, -1 the one that holds the picture, -2 the one above. Default: what tells pictures apart.
            exclude: Leave out files and folders, such as '*.png' or masks.
            every: How often to take a frame of videos, also of those in folders. Default: 1 for videos that are named, none in folders.
            encoder: An encoder; `tamis encoders` lists them.
            drop: Drop copies only, or pictures with other content in the same view as well.
            seed: Makes every random choice repeatable.
        """

    def defects_export(
        self,
        out: str | PathLike[str],
        *,
        size: tuple[int, int],
        model: str | PathLike[str] = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> DefectsExportReport:
        """Write a model with its encoder as one ONNX graph, which scores pictures of one size.

        Its scores, verdicts and heat-maps are those of `defects score`.

        Args:
            out: The file, NAME.onnx.
            size: Width and height of the pictures, in pixels.
            model: A model's name in the dataset, or its file.
        """

    def defects_fit(
        self,
        *,
        where: str | PathLike[str] | None = ...,
        out: str | PathLike[str] | None = ...,
        name: str | PathLike[str] = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        rate: float = ...,
        shots: int | None = ...,
        rotations: bool = ...,
        contamination: float = ...,
        group: str | PathLike[str] | None = ...,
        side: int | None = ...,
        model: Literal['auto', 'bank', 'residual'] = ...,
        levels: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        bank: int = ...,
        flaws: Literal['cutpaste', 'scratch', 'noise', 'blur', 'missing'] | Sequence[Literal['cutpaste', 'scratch', 'noise', 'blur', 'missing']] = ...,
        seed: int = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> DefectsFitReport:
        """Fit a model of nominal pictures, by which `defects score` finds small flaws in others.

        Pictures need no vectors. The model, its levels and its smoothing are chosen by flaws that are
        planted on some of the pictures. The threshold is of pictures that were held out.

        Args:
            where: Only rows that fulfill this SQL condition.
            out: The model's file. Default: in the dataset.
            name: The model's name in the dataset.
            encoder: An encoder with features by place. Default: the dataset's default encoder.
            rate: Share of nominal pictures that may be called anomalous.
            shots: Fit to so many pictures, drawn at random. Default: all.
            rotations: Learn each picture turned by 90, 180 and 270 degrees as well.
            contamination: Share of the pictures that may be flawed, unmarked.
            group: A column that tells which pictures show one part; they are held out together. Default: duplicates.
            side: Pixels of the shorter side at which pictures are looked at. Default: their own or twice that, what finds more.
            model: A memory bank, the residual of a PCA, or the better one.
            levels: A level of the encoder's features; repeat it to join several. Default: the best of some.
            bank: Patches that a memory bank holds at most.
            flaws: A kind of flaw to plant: cutpaste, scratch, noise, blur, missing. Default: all.
            seed: Makes every random choice repeatable.
        """

    def defects_score(
        self,
        sources: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        *,
        model: str | PathLike[str] = ...,
        where: str | PathLike[str] | None = ...,
        tag: str | PathLike[str] | None = ...,
        new: bool = ...,
        batch: bool = ...,
        every: float | Literal['frame', 'keyframe'] | None = ...,
        exclude: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        threshold: float | None = ...,
        layer: str | PathLike[str] = ...,
        maps: str | PathLike[str] | None = ...,
        gallery: str | PathLike[str] | None = ...,
        truth: str | PathLike[str] | None = ...,
        masks: str | PathLike[str] | None = ...,
        fail: bool = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> DefectsReport:
        """Score pictures by a model of nominal ones, and say where they differ from those.

        Pictures are those of folders, archives and videos, which are not added, or rows of the dataset,
        whose regions become a layer of annotations.

        Args:
            sources: New pictures: folders, globs, archives or videos.
            model: A model's name in the dataset, or its file.
            where: Rows of the dataset that fulfill this SQL condition.
            tag: Rows with this tag.
            new: Rows that the model was not fitted to and that the layer does not have.
            batch: Let the pictures score each other, without a model of nominal ones.
            every: How often to take a frame of videos, also of those in folders. Default: 1 for videos that are named, none in folders.
            exclude: Leave out files and folders, such as '*.png' or masks.
            threshold: Scores above it are anomalous. Default: the model's; 5 in a batch.
            layer: The layer that regions of rows are written to.
            maps: A folder for the pictures with their heat-maps.
            gallery: Also write a page of the pictures, worst first.
            truth: A layer with the true boxes, polygons or masks: rows are compared with it.
            masks: A folder with a true mask for each flawed picture, of the same name.
            fail: Exit with 1 if a picture is anomalous.
        """

    def duplicates(
        self,
        *,
        threshold: float | Literal['auto'] = ...,
        changed_threshold: float | Literal['auto'] = ...,
        apply: bool = ...,
        drop: Literal['copies', 'changed'] = ...,
        prefer: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        where: str | PathLike[str] | None = ...,
        rotations: bool = ...,
        gallery: str | PathLike[str] | None = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        seed: int = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> DuplicateReport:
        """Find copies, pictures that differ in places only, and which of each group to keep.

        A copy differs by noise and processing only; a changed version shows the same view with other
        content somewhere, and the pair says where. No file is ever deleted.

        Args:
            threshold: Score in (0, 1] from which a pair is a copy; auto learns it from the pictures.
            changed_threshold: Agreement in (0, 1] from which a pair shows one view, with other content.
            apply: Mark what is dropped; no file is ever deleted.
            drop: Drop copies only, or pictures with other content in the same view as well.
            prefer: Which copy to keep: resolution, upright, sharpness, exif, oldest, newest, labeled, unlabeled, size, path, folder=PATH or folder=GLOB; several with commas or repeated, the first that tells two copies apart decides. Where none does: resolution, upright, sharpness, exif, size, path. A file that is there always goes first.
            where: Only rows that fulfill this SQL condition.
            rotations: Find copies turned by 90, 180 and 270 degrees as well; slower.
            gallery: Write a page with the pairs side by side and what differs marked.
            encoder: Which vectors to use. Default: the dataset's default encoder.
            seed: Makes every random choice repeatable.
        """

    def drift_check(
        self,
        sources: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        *,
        where: str | PathLike[str] | None = ...,
        tag: str | PathLike[str] | None = ...,
        split: str | PathLike[str] | None = ...,
        snapshot: int | str | PathLike[str] | None = ...,
        reference: str | PathLike[str] | None = ...,
        every: float | Literal['frame', 'keyframe'] | None = ...,
        exclude: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        covariates: Literal['brightness', 'sharpness', 'size', 'hour', 'camera'] | Sequence[Literal['brightness', 'sharpness', 'size', 'hour', 'camera']] = ...,
        level: float = ...,
        permutations: int = ...,
        examples: int = ...,
        monitor: bool = ...,
        seed: int = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> DriftReport:
        """Tell whether pictures have drifted from the reference; exit code 1 if they have.

        Pictures are those of folders, archives and videos, which are embedded but not added, or rows
        of the dataset.

        Args:
            sources: New pictures: folders, globs, archives or videos.
            where: Rows of the dataset that fulfill this SQL condition.
            tag: Rows with this tag.
            split: Rows of this split.
            snapshot: The dataset as it was at this snapshot or tag of one.
            reference: A reference that `drift fit --out` wrote. Default: the dataset's last.
            every: How often to take a frame of videos, also of those in folders. Default: 1 for videos that are named, none in folders.
            exclude: Leave out files and folders, such as '*.png' or masks.
            covariates: Compare this figure, and no other that is not named: brightness, sharpness, size, hour, camera. Default: all that vary; hour and camera unless the pictures are of one day or camera.
            level: Chance of a false alarm.
            permutations: No p-value is under 1 / (N + 1).
            examples: How many pictures to show and to label.
            monitor: Count the pictures in the running e-value that is kept beside the reference.
            seed: Makes every random choice repeatable.
        """

    def drift_fit(
        self,
        *,
        where: str | PathLike[str] | None = ...,
        out: str | PathLike[str] | None = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        block: int | None = ...,
        level: float = ...,
        seed: int = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> DriftFitReport:
        """Store a reference of the dataset's pictures, for `drift check` to compare with.

        It holds rounded vectors and simple figures of up to some 10,000 pictures, in 4 MB at most.

        Args:
            where: Only rows that fulfill this SQL condition.
            out: The reference's file. Default: in the dataset.
            encoder: Which vectors to use. Default: the dataset's default encoder.
            block: Consecutive pictures of one video, camera or folder that count as one draw. Default: found from frames of videos; 1 for photographs.
            level: Chance that the running e-value ever raises a false alarm.
            seed: Makes every random choice repeatable.
        """

    def embed(
        self,
        encoder: str | PathLike[str] | Any = ...,
        *,
        dtype: Literal['float32', 'float16'] = ...,
        retry: bool = ...,
        batch_size: int | None = ...,
        device: str | PathLike[str] | None = ...,
        threads: int | None = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> EmbedReport:
        """Compute vectors for the pictures that lack them.

        Args:
            encoder: An encoder; `tamis encoders` lists them.
            dtype: How vectors are stored.
            retry: Try again what failed before.
            batch_size: Pictures at a time. Default: found by itself.
            device: Where it runs. Default: the best there is.
            threads: Threads that read and decode. Default: one a processor.
        """

    def filter(
        self,
        *texts: str | PathLike[str],
        not_texts: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        threshold: float | None = ...,
        classes: bool = ...,
        tag: str | PathLike[str] | None = ...,
        gallery: str | PathLike[str] | None = ...,
        where: str | PathLike[str] | None = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        seed: int = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> FilterReport:
        """Find the pictures that seem to show what a text says, and tag them.

        How many of them do depends on the encoder: look at the pictures near the cut (gallery). Of
        several texts the nearest counts. With classes, texts and what is not meant are classes of which
        each picture is one.

        Args:
            texts: What the pictures should show.
            not_texts: What is not meant.
            threshold: Least score that passes: a cosine similarity, with classes a probability. Default: found in the scores, or by everyday things; with classes none.
            classes: Take the texts as classes of which each is one.
            tag: Tag what passes; else nothing is written.
            gallery: Write a page of the pictures on either side of the cut.
            where: Only rows that fulfill this SQL condition.
            encoder: Which vectors to use. Default: the dataset's default encoder.
            seed: Makes every random choice repeatable.
        """

    def index(
        self,
        *,
        encoder: str | PathLike[str] | None | Any = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> IndexReport:
        """Index the vectors for search; `embed` does it by itself from 100,000 pictures on.

        Args:
            encoder: Which vectors to use. Default: the dataset's default encoder.
        """

    def scores(
        self,
        *,
        where: str | PathLike[str] | None = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        seed: int = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ScoreReport:
        """Mark how representative and how unique each picture is.

        Args:
            where: Only rows that fulfill this SQL condition.
            encoder: Which vectors to use. Default: the dataset's default encoder.
            seed: Makes every random choice repeatable.
        """

    def search(
        self,
        texts: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        *,
        like: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        not_texts: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        unlike: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        region: tuple[int, int, int, int] | None = ...,
        k: int = ...,
        where: str | PathLike[str] | None = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        exact: bool = ...,
        distinct: float | None = ...,
        tiles: bool = ...,
        rerank: int = ...,
        gallery: str | PathLike[str] | None = ...,
        open_page: bool = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> SearchReport:
        """Find the pictures nearest to a text or an example, best first.

        Several texts and examples are averaged; what the pictures should be far from is subtracted.

        Args:
            texts: What the pictures should show.
            like: An example: a path or sample id of the dataset, or a file.
            not_texts: What they should not show.
            unlike: An example to be far from.
            region: The part of the first example to look for, in pixels.
            k: How many pictures.
            where: Only rows that fulfill this SQL condition.
            encoder: Which vectors to use. Default: the dataset's default encoder.
            exact: Compare all vectors, without an index.
            distinct: Leave out pictures more similar than this to a better hit.
            tiles: Compare tiles too, and say which part matched.
            rerank: Reorder the N best by patches of the first example.
            gallery: Also write a page of the pictures.
            open_page: Show that page in the browser.
        """

    def select(
        self,
        n: int,
        *,
        strategy: Literal['default', 'random', 'k-means', 'facility-location', 'k-center', 'typicality', 'prob-cover', 'max-herding', 'uncertainty-herding', 'dpp', 'entropy', 'margin', 'badge', 'hierarchical-k-means'] | Literal['schedule'] | Mapping[str, float] | None = ...,
        diverse: float | None = ...,
        quotas: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        include: str | PathLike[str] | None = ...,
        forbid: str | PathLike[str] | None = ...,
        labeled: str | PathLike[str] | None = ...,
        label_column: str | PathLike[str] = ...,
        train_split: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        test_split: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        rounds: int = ...,
        seeds: int = ...,
        against: Literal['default', 'random', 'k-means', 'facility-location', 'k-center', 'typicality', 'prob-cover', 'max-herding', 'uncertainty-herding', 'dpp', 'entropy', 'margin', 'badge', 'hierarchical-k-means'] | Literal['schedule'] | Mapping[str, float] | Sequence[Literal['default', 'random', 'k-means', 'facility-location', 'k-center', 'typicality', 'prob-cover', 'max-herding', 'uncertainty-herding', 'dpp', 'entropy', 'margin', 'badge', 'hierarchical-k-means'] | Literal['schedule'] | Mapping[str, float]] = ...,
        min_part: int = ...,
        where: str | PathLike[str] | None = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        seed: int = ...,
        apply: bool = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> Selection | Round | Simulation:
        """Select the pictures that represent the dataset.

        With round: those to label next, after what the labels so far teach. With simulate: replay such
        rounds on known labels, and change nothing.

        Args:
            n: How many pictures.
            strategy: How: default, random, k-means, facility-location, k-center, typicality, prob-cover, max-herding, dpp, hierarchical-k-means; or several with their shares, such as dpp:.5,random:.5. With --round or --simulate also uncertainty-herding, margin, entropy, badge, and schedule, by the number of labels. Default: default; in rounds schedule.
            diverse: Share that the default strategy picks for diversity. Default: none of the first 30 and a fifth of the rest.
            quotas: How many of a group: label=cat:10, :10.. at least, :..10 at most, :5..10, :20%, label=*:2.. for each value, label=*:equal, label=*:proportional.
            include: Selected in any case; they count in N.
            forbid: Represented, but not selected.
            labeled: Labeled already: represent others, not selected again.
            label_column: Where labels are, for rounds.
            train_split: Split to pick and learn from in rounds. Default: those named train or training.
            test_split: Split to measure the accuracy on in rounds. Default: those named test, else val or validation.
            rounds: How many to simulate.
            seeds: Runs of each strategy to simulate.
            against: Another strategy to simulate.
            min_part: Least side of crops and tiles to select.
            where: Only rows that fulfill this SQL condition.
            encoder: Which vectors to use. Default: the dataset's default encoder.
            seed: Makes every random choice repeatable.
            apply: Mark what is selected.
        """

    def select_round(
        self,
        n: int,
        *,
        strategy: Literal['default', 'random', 'k-means', 'facility-location', 'k-center', 'typicality', 'prob-cover', 'max-herding', 'uncertainty-herding', 'dpp', 'entropy', 'margin', 'badge', 'hierarchical-k-means'] | Literal['schedule'] | Mapping[str, float] | None = ...,
        diverse: float | None = ...,
        quotas: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        include: str | PathLike[str] | None = ...,
        forbid: str | PathLike[str] | None = ...,
        labeled: str | PathLike[str] | None = ...,
        label_column: str | PathLike[str] = ...,
        train_split: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        test_split: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        rounds: int = ...,
        seeds: int = ...,
        against: Literal['default', 'random', 'k-means', 'facility-location', 'k-center', 'typicality', 'prob-cover', 'max-herding', 'uncertainty-herding', 'dpp', 'entropy', 'margin', 'badge', 'hierarchical-k-means'] | Literal['schedule'] | Mapping[str, float] | Sequence[Literal['default', 'random', 'k-means', 'facility-location', 'k-center', 'typicality', 'prob-cover', 'max-herding', 'uncertainty-herding', 'dpp', 'entropy', 'margin', 'badge', 'hierarchical-k-means'] | Literal['schedule'] | Mapping[str, float]] = ...,
        min_part: int = ...,
        where: str | PathLike[str] | None = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        seed: int = ...,
        apply: bool = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> Selection | Round | Simulation:
        """Select the pictures that represent the dataset.

        With round: those to label next, after what the labels so far teach. With simulate: replay such
        rounds on known labels, and change nothing.

        Args:
            n: How many pictures.
            strategy: How: default, random, k-means, facility-location, k-center, typicality, prob-cover, max-herding, dpp, hierarchical-k-means; or several with their shares, such as dpp:.5,random:.5. With --round or --simulate also uncertainty-herding, margin, entropy, badge, and schedule, by the number of labels. Default: default; in rounds schedule.
            diverse: Share that the default strategy picks for diversity. Default: none of the first 30 and a fifth of the rest.
            quotas: How many of a group: label=cat:10, :10.. at least, :..10 at most, :5..10, :20%, label=*:2.. for each value, label=*:equal, label=*:proportional.
            include: Selected in any case; they count in N.
            forbid: Represented, but not selected.
            labeled: Labeled already: represent others, not selected again.
            label_column: Where labels are, for rounds.
            train_split: Split to pick and learn from in rounds. Default: those named train or training.
            test_split: Split to measure the accuracy on in rounds. Default: those named test, else val or validation.
            rounds: How many to simulate.
            seeds: Runs of each strategy to simulate.
            against: Another strategy to simulate.
            min_part: Least side of crops and tiles to select.
            where: Only rows that fulfill this SQL condition.
            encoder: Which vectors to use. Default: the dataset's default encoder.
            seed: Makes every random choice repeatable.
            apply: Mark what is selected.
        """

    def simulate_rounds(
        self,
        n: int,
        *,
        strategy: Literal['default', 'random', 'k-means', 'facility-location', 'k-center', 'typicality', 'prob-cover', 'max-herding', 'uncertainty-herding', 'dpp', 'entropy', 'margin', 'badge', 'hierarchical-k-means'] | Literal['schedule'] | Mapping[str, float] | None = ...,
        diverse: float | None = ...,
        quotas: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        include: str | PathLike[str] | None = ...,
        forbid: str | PathLike[str] | None = ...,
        labeled: str | PathLike[str] | None = ...,
        label_column: str | PathLike[str] = ...,
        train_split: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        test_split: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        rounds: int = ...,
        seeds: int = ...,
        against: Literal['default', 'random', 'k-means', 'facility-location', 'k-center', 'typicality', 'prob-cover', 'max-herding', 'uncertainty-herding', 'dpp', 'entropy', 'margin', 'badge', 'hierarchical-k-means'] | Literal['schedule'] | Mapping[str, float] | Sequence[Literal['default', 'random', 'k-means', 'facility-location', 'k-center', 'typicality', 'prob-cover', 'max-herding', 'uncertainty-herding', 'dpp', 'entropy', 'margin', 'badge', 'hierarchical-k-means'] | Literal['schedule'] | Mapping[str, float]] = ...,
        min_part: int = ...,
        where: str | PathLike[str] | None = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        seed: int = ...,
        apply: bool = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> Selection | Round | Simulation:
        """Select the pictures that represent the dataset.

        With round: those to label next, after what the labels so far teach. With simulate: replay such
        rounds on known labels, and change nothing.

        Args:
            n: How many pictures.
            strategy: How: default, random, k-means, facility-location, k-center, typicality, prob-cover, max-herding, dpp, hierarchical-k-means; or several with their shares, such as dpp:.5,random:.5. With --round or --simulate also uncertainty-herding, margin, entropy, badge, and schedule, by the number of labels. Default: default; in rounds schedule.
            diverse: Share that the default strategy picks for diversity. Default: none of the first 30 and a fifth of the rest.
            quotas: How many of a group: label=cat:10, :10.. at least, :..10 at most, :5..10, :20%, label=*:2.. for each value, label=*:equal, label=*:proportional.
            include: Selected in any case; they count in N.
            forbid: Represented, but not selected.
            labeled: Labeled already: represent others, not selected again.
            label_column: Where labels are, for rounds.
            train_split: Split to pick and learn from in rounds. Default: those named train or training.
            test_split: Split to measure the accuracy on in rounds. Default: those named test, else val or validation.
            rounds: How many to simulate.
            seeds: Runs of each strategy to simulate.
            against: Another strategy to simulate.
            min_part: Least side of crops and tiles to select.
            where: Only rows that fulfill this SQL condition.
            encoder: Which vectors to use. Default: the dataset's default encoder.
            seed: Makes every random choice repeatable.
            apply: Mark what is selected.
        """

    def split(
        self,
        *,
        train: float = ...,
        val: float = ...,
        test: float = ...,
        folds: int | None = ...,
        time: str | PathLike[str] | None = ...,
        time_block: float | str | PathLike[str] | None = ...,
        gap: float | str | PathLike[str] | None = ...,
        block_by: str | PathLike[str] | None = ...,
        group: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        label: str | PathLike[str] = ...,
        delimiter: str | PathLike[str] | None = ...,
        threshold: float | None = ...,
        changed: Literal['auto', 'together', 'apart'] = ...,
        column: str | PathLike[str] | None = ...,
        where: str | PathLike[str] | None = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        seed: int = ...,
        apply: bool = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> SplitReport:
        """Split into train, val and test with no copy across them.

        Each split covers every condition. With check, splits that exist are audited instead.

        Args:
            train: Share of train.
            val: Share of val.
            test: Share of test.
            folds: Make K folds instead, as the mark fold.
            time: Train on the past, test on the latest.
            time_block: Keep together what one camera or video took within blocks of this length: 90s, 10m, 2h, 1d.
            gap: With time blocks: least time between splits; pictures in between get none. Default: a tenth of a block.
            block_by: With time blocks: a column of times, or of seconds. Default: seconds of frames, captured_at of photographs.
            group: Rows of one value stay together.
            label: Labels to spread evenly, one or several a row.
            delimiter: Separates several labels in one text, e.g. ;
            threshold: Join from this cosine similarity on, whatever the pixels say.
            changed: Keep changed versions of one view in one split; auto does where they are rare.
            column: With check: where splits are named; path means by folder. Default: split.
            where: Only rows that fulfill this SQL condition.
            encoder: Which vectors to use. Default: the dataset's default encoder.
            seed: Makes every random choice repeatable.
            apply: Mark the splits.
        """

    def check_splits(
        self,
        *,
        train: float = ...,
        val: float = ...,
        test: float = ...,
        folds: int | None = ...,
        time: str | PathLike[str] | None = ...,
        time_block: float | str | PathLike[str] | None = ...,
        gap: float | str | PathLike[str] | None = ...,
        block_by: str | PathLike[str] | None = ...,
        group: str | PathLike[str] | Sequence[str | PathLike[str]] = ...,
        label: str | PathLike[str] = ...,
        delimiter: str | PathLike[str] | None = ...,
        threshold: float | None = ...,
        changed: Literal['auto', 'together', 'apart'] = ...,
        column: str | PathLike[str] | None = ...,
        where: str | PathLike[str] | None = ...,
        encoder: str | PathLike[str] | None | Any = ...,
        seed: int = ...,
        apply: bool = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> SplitReport:
        """Split into train, val and test with no copy across them.

        Each split covers every condition. With check, splits that exist are audited instead.

        Args:
            train: Share of train.
            val: Share of val.
            test: Share of test.
            folds: Make K folds instead, as the mark fold.
            time: Train on the past, test on the latest.
            time_block: Keep together what one camera or video took within blocks of this length: 90s, 10m, 2h, 1d.
            gap: With time blocks: least time between splits; pictures in between get none. Default: a tenth of a block.
            block_by: With time blocks: a column of times, or of seconds. Default: seconds of frames, captured_at of photographs.
            group: Rows of one value stay together.
            label: Labels to spread evenly, one or several a row.
            delimiter: Separates several labels in one text, e.g. ;
            threshold: Join from this cosine similarity on, whatever the pixels say.
            changed: Keep changed versions of one view in one split; auto does where they are rare.
            column: With check: where splits are named; path means by folder. Default: split.
            where: Only rows that fulfill this SQL condition.
            encoder: Which vectors to use. Default: the dataset's default encoder.
            seed: Makes every random choice repeatable.
            apply: Mark the splits.
        """

    def log(
        self,
        *,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> LogReport:
        """Show every operation, oldest first.

        Args:
        """

    def undo(
        self,
        *,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> UndoReport:
        """Take back the last operation; `redo` brings it back.

        Args:
        """

    def redo(
        self,
        *,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> RedoReport:
        """Do again what the last `undo` took back.

        Args:
        """

    def checkout(
        self,
        to: int | str | PathLike[str],
        *,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> CheckoutReport:
        """Bring the dataset back to how it was at a snapshot or tag; can be undone.

        Args:
            to: A snapshot number or a tag.
        """

    def diff(
        self,
        a: int | str | PathLike[str],
        b: int | str | PathLike[str],
        *,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> DiffReport:
        """Show what changed between two snapshots or tags.

        Args:
            a: A snapshot number or a tag.
            b: A snapshot number or a tag.
        """

    def tag(
        self,
        name: str | PathLike[str],
        *,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> TagReport:
        """Name the present snapshot.

        Args:
            name: The name for the present snapshot.
        """

    def gc(
        self,
        *,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> FreedReport:
        """Remove files that killed writers left behind; nothing that was committed is lost.

        Args:
        """

    def set_default_encoder(
        self,
        spec: str | PathLike[str] | None = ...,
        *,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> DefaultEncoderReport:
        """Show or set whose vectors a dataset means where no encoder is named.

        Args:
            spec: An encoder that the dataset has vectors of.
        """

    def info(
        self,
        *,
        index: bool = ...,
        files: bool = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> InfoReport:
        """Show what is in the dataset.

        Args:
            index: Also measure what search by the index loses.
            files: Also look which pictures are gone or changed.
        """

    def report(
        self,
        out: str | PathLike[str] = ...,
        *,
        encoder: str | PathLike[str] | None | Any = ...,
        seed: int = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ReportWritten:
        """Write one self-contained HTML report.

        Args:
            out: The HTML file.
            encoder: Which vectors to use. Default: the dataset's default encoder.
            seed: Makes every random choice repeatable.
        """

    def export(
        self,
        format: Literal['folder', 'csv', 'parquet', 'coco', 'yolo', 'voc', 'cvat', 'labelme'],
        out: str | PathLike[str],
        *,
        where: str | PathLike[str] | None = ...,
        by: str | PathLike[str] | Sequence[str | PathLike[str]] | None = ...,
        columns: str | PathLike[str] | Sequence[str | PathLike[str]] | None = ...,
        layer: str | PathLike[str] | None = ...,
        pictures: bool = ...,
        link: Literal['copy', 'hardlink', 'symlink'] = ...,
        overwrite: bool = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ExportReport:
        """Export rows as a folder of pictures or a table; originals are never touched.

        A folder gets the pictures, archive members included and parts cut out, with `manifest.csv` and
        `manifest.parquet`, whose first column `file` names each picture there. The formats coco,
        yolo, voc, cvat and labelme get the pictures and one layer of annotations; what they cannot hold
        is counted.

        Args:
            format: folder, csv, parquet, coco, yolo, voc, cvat or labelme.
            out: Where it goes.
            where: Only rows that fulfill this SQL condition.
            by: Sub-folders by this mark, the outermost first. Default: split.
            columns: Columns of the table. Default: all but pictures and vectors.
            layer: The layer of annotations; of csv and parquet, export its annotations instead of rows. Default: truth.
            pictures: Let the pictures go along with annotations.
            link: How pictures get there.
            overwrite: Replace an earlier export.
        """

    def check(
        self,
        *,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> CheckReport:
        """Is all there and whole? Reads every picture and the dataset itself; exit 1 if not.

        Args:
        """

    def relink(
        self,
        old: str | PathLike[str],
        new: str | PathLike[str],
        *,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> RelinkReport:
        """Follow pictures that were moved: same files, another root; one operation, can be undone.

        A picture whose file is not there, or holds something else, is left as it is.

        Args:
            old: The root as the dataset has it.
            new: Where it is now.
        """

    def watch(
        self,
        *sources: str | PathLike[str],
        threshold: float | Literal['auto'] = ...,
        rate: str | PathLike[str] | None = ...,
        max_kept: int | None = ...,
        window: float | None = ...,
        sample: float | Literal['frame', 'keyframe'] = ...,
        encoder: str | PathLike[str] | Any = ...,
        gate: bool = ...,
        out: str | PathLike[str] | None = ...,
        copy: bool | None = ...,
        metrics: str | PathLike[str] | int | None = ...,
        behind: Literal['drop', 'block'] | None = ...,
        seconds: float | None = ...,
        once: bool = ...,
        per_stream: bool = ...,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> WatchReport:
        """Watch sources, and keep the frames that are unlike all that was kept; Ctrl-C ends it.

        What the dataset holds of this encoder counts as kept; a watch that was cut short goes on where
        it was. Kept frames of files are pointers such as `line3.mp4!frame=120`.

        Args:
            sources: Video files, folders, network addresses, /dev/video0.
            threshold: Cosine similarity above which a frame is not new; auto measures it on the first frames.
            rate: Keep about so many, such as 500/day.
            max_kept: Vectors in memory at most.
            window: Forget what was not seen again for so long.
            sample: Which frames to look at.
            encoder: An encoder; `tamis encoders` lists them.
            gate: Skip the encoder where the pixels say enough.
            out: Copy kept frames there.
            copy: Copy kept frames, or point to them. Default: copy if live.
            metrics: Serve counts for Prometheus there.
            behind: When frames come too fast. Default: drop if live.
            seconds: How long to watch.
            once: End when all that is in the folders was looked at.
            per_stream: A memory of its own for each source.
        """
