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
from tamis.services.bench.contract import BenchReport
from tamis.services.check.contract import CheckReport
from tamis.services.cluster.contract import ClusterReport
from tamis.services.compare.contract import Comparison
from tamis.services.copies.contract import CopyReport
from tamis.services.coverage.contract import CoverageReport
from tamis.services.curate.contract import CurateReport
from tamis.services.defects.result import DefectsExportReport
from tamis.services.defects.result import DefectsFitReport
from tamis.services.defects.result import DefectsReport
from tamis.services.drift.result import DriftAdaptation
from tamis.services.drift.result import DriftFitReport
from tamis.services.drift.result import DriftReport
from tamis.services.duplicates.result import DuplicateReport
from tamis.services.edit.contract import BoxesReport
from tamis.services.edit.contract import EditReport
from tamis.services.edit.contract import InterpolateReport
from tamis.services.edit.contract import RemoveReport
from tamis.services.edit.contract import RenameReport
from tamis.services.embed.contract import EmbedReport
from tamis.services.encoders.contract import DefaultEncoderReport
from tamis.services.evaluate.contract import EvaluateReport
from tamis.services.export.contract import ExportReport
from tamis.services.finetune.contract import FineTuning
from tamis.services.history.result import CheckoutReport
from tamis.services.history.result import DiffReport
from tamis.services.history.result import FreedReport
from tamis.services.history.result import LogReport
from tamis.services.history.result import PruneReport
from tamis.services.history.result import RedoReport
from tamis.services.history.result import TagReport
from tamis.services.history.result import UndoReport
from tamis.services.index.contract import IndexReport
from tamis.services.info.result import InfoReport
from tamis.services.labeling.contract import MislabelReport
from tamis.services.labeling.contract import PropagationReport
from tamis.services.labeling.contract import ReviewQueue
from tamis.services.map.contract import MapReport
from tamis.services.outliers.contract import OutliersReport
from tamis.services.probe.contract import ProbeFile
from tamis.services.probe.contract import ProbePredictions
from tamis.services.probe.contract import ProbeTraining
from tamis.services.relink.result import RelinkReport
from tamis.services.report.contract import ReportWritten
from tamis.services.review.contract import ReviewReport
from tamis.services.scores.contract import ScoreReport
from tamis.services.search.contract import SearchReport
from tamis.services.select.result import Round
from tamis.services.select.result import Selection
from tamis.services.select.result import Simulation
from tamis.services.split.result import SplitReport
from tamis.services.tagging.contract import TaggedReport
from tamis.services.text_filter.contract import FilterReport
from tamis.services.watch.result import WatchReport

class Verbs:

    def add(
        self,
        *sources: str | PathLike[str],
        labels: str | PathLike[str] = 'none',
        label_level: int | None = None,
        exclude: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        every: float | Literal['frame', 'keyframe'] | None = None,
        new_only: bool = False,
        threshold: float | None = None,
        embed: bool = False,
        encoder: str | PathLike[str] | Any = 'default',
        later_keys: bool = False,
        crops: str | PathLike[str] | None = None,
        min_box: int = 8,
        tiles: int | None = None,
        threads: int | None = None,
        runner: Literal['local', 'ray'] = 'local',
        address: str | PathLike[str] | None = None,
        processes: bool | None = None,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> AddReport:
        """Add pictures and video frames; nothing is added twice.

        With new-only, whatever is similar to a sample of the dataset is skipped, judged by the vectors
        of an encoder, and what is added gets its vector at once.

        Args:
            sources: Folders, globs, pictures, videos, zip or tar archives.
            labels: Take labels from folder names or a table (CSV, Parquet).
            label_level: Which folder gives the label: 1 the first below the source, 0 the source itself, -1 the one that holds the picture, -2 the one above that. Default: the level at which pictures differ.
            exclude: Skip files and folders, such as '*.png' or masks.
            every: How often to take a frame from videos, those in folders included. Default: 1 for videos that are named; videos in folders are skipped.
            new_only: Add only what is unlike all that is in the dataset by its vector, so neither copies nor other pictures that are much the same; of videos every frame is looked at, unless --every says else.
            threshold: Cosine similarity from which new-only skips a picture. Default: 0.92.
            embed: Also compute vectors of what is new, from the same decoding.
            encoder: The encoder of embed and new-only.
            later_keys: Of each folder at an object store, list only the keys that sort behind the last one in the dataset: for buckets whose names grow with time.
            crops: Also add the boxes of a COCO, VOC or YOLO dataset.
            min_box: Skip boxes with a shorter side.
            tiles: Also add N x N tiles of each picture.
            threads: Threads that read and decode. Default: one per processor.
            runner: Where the work is done: on this machine, or on a Ray cluster.
            address: The Ray cluster. Default: the one this machine belongs to.
            processes: Decode in processes: faster from four processors on, and a picture that crashes a decoder costs itself alone. Default: from 4 threads and some 1,000 pictures on.
        """

    def add_crops(
        self,
        annotations: str | PathLike[str],
        *,
        min_box: int = 8,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> PartsReport:
        """Add the boxes of a detection dataset as samples, linked to pictures that are there.

        Args:
            annotations: A COCO file, a folder of Pascal VOC files, or a YOLO dataset.
            min_box: Skip boxes with a shorter side.
        """

    def add_tiles(
        self,
        count: int = 3,
        *,
        where: str | PathLike[str] | None = None,
        sources: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
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
            where: Only rows that meet this SQL condition.
            sources: Only pictures that lie in these. Default: all.
        """

    def align(
        self,
        *,
        from_: str | PathLike[str],
        to: str | PathLike[str],
        out: str | PathLike[str] | None = None,
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> AlignReport:
        """Make vectors searchable by text that have no text encoder.

        A map to the vectors of an encoder with texts is learned from pictures that both have embedded.
        The result is an encoder `aligned:FILE`, with vectors of everything that the first has embedded.

        Args:
            from_: The encoder whose vectors to make searchable.
            to: The encoder whose texts to use; both must have embedded 200 pictures, better 20,000.
            out: The map's file. Default: in the dataset, with which it moves.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def bench(
        self,
        *sources: str | PathLike[str],
        limit: int = 100,
        encoder: str | PathLike[str] | Any = 'default',
        device: str | PathLike[str] | None = None,
        threads: int | None = None,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> BenchReport:
        """Measure how fast this machine works, and what bounds it.

        The steps are reading, decoding, inference, writing and search. Some of the pictures go through
        each step by itself, with one worker and with all; videos are passed over. Nothing is added
        anywhere: what is written goes to a temporary folder.

        Args:
            sources: Folders, globs, pictures, videos, zip or tar archives.
            limit: How many pictures to measure with.
            encoder: The encoder; `tamis encoders` lists them.
            device: The device to run on. Default: the best available.
            threads: Threads that read and decode. Default: one per processor.
        """

    def compare(
        self,
        *,
        a: str | PathLike[str] | None = None,
        b: str | PathLike[str] | None = None,
        by: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        layers: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        encoders: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> Comparison:
        """Compare two groups of pictures, two layers, or two encoders.

        Of groups: which columns tell them apart, and how they cover each value. Of layers: which
        classes one gives where the other gives another. Of encoders: how far they agree on what is
        alike. Nothing is written.

        Args:
            a: One group: pictures that meet this SQL condition.
            b: The other group. Default: all pictures that are not of the first.
            by: A column to compare groups by. Default: all that vary.
            layers: Two layers of classes; truth is one.
            encoders: Two encoders that the dataset has vectors of.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def coverage(
        self,
        by: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        *,
        words: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        least: int = 1,
        split: str | PathLike[str] = 'split',
        where: str | PathLike[str] | None = None,
        encoder: str | PathLike[str] | None | Any = None,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> CoverageReport:
        """Show which scenarios the splits cover, and what fills gaps.

        A scenario is a value of a column, an hour or place of capture, or a word for what is shown.

        Args:
            by: Columns, and hour, month or place of capture.
            words: A scenario in words; each picture counts for the nearest of them.
            least: Fewer pictures than this in a split are a gap.
            split: The column that names the splits.
            where: Only rows that meet this SQL condition.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
        """

    def import_annotations(
        self,
        format: Literal['auto', 'coco', 'yolo', 'voc', 'cvat', 'labelme', 'labelstudio', 'fiftyone', 'imagefolder', 'huggingface', 'webdataset', 'yolo-classify', 'csv', 'parquet', 'folder'],
        path: str | PathLike[str],
        *,
        layer: str | PathLike[str] = 'truth',
        replace: bool = False,
        reference: str | PathLike[str] | None = None,
        field: str | PathLike[str] | None = None,
        author: str | PathLike[str] | None = None,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ImportReport:
        """Import annotations of the dataset's pictures into a layer.

        The pictures must be in the dataset already. Annotations that the layer has are not added twice,
        and no other layer is changed.

        Args:
            format: The format; `auto` detects it.
            path: The file or folder of annotations.
            layer: The layer; `truth` holds the classes that `label` of the samples shows.
            replace: First remove everything from the layer.
            reference: The COCO file that defines the ids in a file of results.
            field: FiftyOne's field; Label Studio: `predictions`; table: its source. Default: ground_truth, annotations.
            author: Who made the annotations.
        """

    def label(
        self,
        label: str | PathLike[str],
        *,
        where: str | PathLike[str] | None = None,
        ids: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        all: bool = False,
        layer: str | PathLike[str] = 'truth',
        author: str | PathLike[str] | None = None,
        add: bool = False,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> SetReport:
        """Set the class of pictures in a layer, replacing any before.

        With add, earlier classes stay and pictures have several; `label` shows the first.

        Args:
            label: The class.
            where: Only rows that meet this SQL condition.
            ids: Only samples with these ids. Default: all.
            all: Every picture.
            layer: The layer; `truth` holds the classes that `label` of the samples shows.
            author: Who made the change.
            add: Keep the classes that pictures have in the layer.
        """

    def clear_labels(
        self,
        *,
        where: str | PathLike[str] | None = None,
        ids: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        all: bool = False,
        layer: str | PathLike[str] = 'truth',
        kind: Literal['classification', 'box', 'rotated_box', 'polygon', 'mask', 'keypoints', 'caption', 'number'] | None = None,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ClearReport:
        """Remove a layer's annotations from some or all pictures.

        Args:
            where: Only rows that meet this SQL condition.
            ids: Only samples with these ids. Default: all.
            all: Every picture.
            layer: The layer; `truth` holds the classes that `label` of the samples shows.
            kind: Only annotations of this kind. Default: all kinds.
        """

    def tag_pictures(
        self,
        name: str | PathLike[str],
        *,
        where: str | PathLike[str] | None = None,
        ids: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        all: bool = False,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> TaggedReport:
        """Add a tag to pictures; their other tags stay.

        Args:
            name: The tag.
            where: Only rows that meet this SQL condition.
            ids: Only samples with these ids. Default: all.
            all: Every picture.
        """

    def untag_pictures(
        self,
        name: str | PathLike[str],
        *,
        where: str | PathLike[str] | None = None,
        ids: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        all: bool = False,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> TaggedReport:
        """Remove a tag from pictures; their other tags stay.

        Args:
            name: The tag.
            where: Only rows that meet this SQL condition.
            ids: Only samples with these ids. Default: all.
            all: Every picture.
        """

    def set_boxes(
        self,
        sample: str | PathLike[str],
        *,
        box: tuple[float, float, float, float] | Sequence[tuple[float, float, float, float]] = (),
        label: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        layer: str | PathLike[str] = 'truth',
        add: bool = False,
        author: str | PathLike[str] | None = None,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> BoxesReport:
        """Replace the boxes that a picture has in a layer.

        Boxes and classes go together by their order. Outlines, masks and keypoints stay as they are.

        Args:
            sample: The picture's sample id.
            box: A box in pixels of the upright picture. Default: none.
            label: The class of the box at the same place.
            layer: The layer.
            add: Add them to the boxes that it has, whoever made those.
            author: Who made the change.
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

    def crop_objects(
        self,
        *,
        layer: str | PathLike[str] = 'truth',
        where: str | PathLike[str] | None = None,
        objects: str | PathLike[str] | None = None,
        min_box: int = 8,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> PartsReport:
        """Add the objects of a layer as samples of their own.

        They can be embedded, searched and selected. A crop follows its object: when that is moved,
        renamed or removed, so is the crop.

        Args:
            layer: The layer.
            where: Only rows that meet this SQL condition.
            objects: Only objects that meet an SQL condition on annotations.
            min_box: Skip boxes with a shorter side.
        """

    def draw_annotation(
        self,
        sample: str | PathLike[str],
        label: str | PathLike[str],
        *,
        box: tuple[float, float, float, float] | None = None,
        outline: tuple[float, ...] | Sequence[tuple[float, ...]] = (),
        rotated: bool = False,
        mask: str | PathLike[str] | None = None,
        layer: str | PathLike[str] = 'truth',
        author: str | PathLike[str] | None = None,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> EditReport:
        """Add a box, polygon, rotated box or mask to a picture.

        Nothing that is there is touched.

        Args:
            sample: The picture's sample id.
            label: The object's class.
            box: A box in pixels of the upright picture.
            outline: Its outline, a ring each, in pixels of the upright picture. Default: none.
            rotated: The outline has the four corners of a rotated box, in turn.
            mask: Run lengths of its mask as COCO writes them.
            layer: The layer.
            author: Who made the change.
        """

    def edit_annotation(
        self,
        annotation_id: str | PathLike[str],
        *,
        box: tuple[float, float, float, float] | None = None,
        label: str | PathLike[str] | None = None,
        author: str | PathLike[str] | None = None,
        outline: tuple[float, ...] | Sequence[tuple[float, ...]] = (),
        mask: str | PathLike[str] | None = None,
        unchanged_since: str | PathLike[str] | None = None,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> EditReport:
        """Move an object or change its class; its id stays.

        Outlines and keypoints move and stretch with the box. A crop of the object is cut anew, and
        `tamis embed` makes its vector.

        Args:
            annotation_id: The annotation.
            box: Where it lies now, in pixels of the upright picture.
            label: Its class now.
            author: Who made the change.
            outline: Its outline, a ring each, in pixels of the upright picture. Default: none.
            mask: Run lengths of its mask as COCO writes them.
            unchanged_since: Refuse if its `time` is another one by now.
        """

    def interpolate_boxes(
        self,
        *annotation_ids: str | PathLike[str],
        author: str | PathLike[str] | None = None,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> InterpolateReport:
        """Give frames of a video the boxes between those of key frames.

        Between one key frame and the next a box moves and grows evenly with the frame number. Boxes
        that were made so before, and that nobody changed since, are made anew. Key frames of an object
        are remembered; later one of its boxes names them all.

        Args:
            annotation_ids: Boxes of one object in key frames of one video.
            author: Who made the change.
        """

    def remove_annotations(
        self,
        annotation_ids: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        *,
        where: str | PathLike[str] | None = None,
        layer: str | PathLike[str] | None = None,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> RemoveReport:
        """Remove annotations, and the crops of their objects.

        Args:
            annotation_ids: The annotations.
            where: Those that meet an SQL condition on annotations.
            layer: Only those of this layer.
        """

    def rename_class(
        self,
        old: str | PathLike[str],
        new: str | PathLike[str],
        *,
        layer: str | PathLike[str] = 'truth',
        author: str | PathLike[str] | None = None,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> RenameReport:
        """Rename a class of a layer, or merge it into another class.

        Args:
            old: The class.
            new: What it is called from now on.
            layer: The layer.
            author: Who made the change.
        """

    def find_mislabels(
        self,
        *,
        where: str | PathLike[str] | None = None,
        top: int | None = None,
        tag: str | PathLike[str] | None = None,
        fail: bool = False,
        probabilities: str | PathLike[str] | None = None,
        predictions: str | PathLike[str] | None = None,
        gallery: str | PathLike[str] | None = None,
        encoder: str | PathLike[str] | None | Any = None,
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> MislabelReport:
        """Find labels that are probably wrong, most suspect first.

        Args:
            where: Only rows that meet this SQL condition.
            top: Only the most suspect. Default: all suspects.
            tag: Tag the suspects. Default: none.
            fail: Exit with 1 if there are suspects.
            probabilities: Your own model's: a table with `path` and a column for each class. Default: judge by the vectors.
            predictions: Your own model's, from a layer of classes with confidences. Default: judge by the vectors.
            gallery: Write a page of the suspects beside pictures of what is suggested.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def propagate_labels(
        self,
        *,
        where: str | PathLike[str] | None = None,
        layer: str | PathLike[str] | None = None,
        least_confidence: float = 0.5,
        texts: Literal['auto', 'yes', 'no'] = 'auto',
        new_only: bool = False,
        encoder: str | PathLike[str] | None | Any = None,
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> PropagationReport:
        """Label all pictures from the few that have a label.

        Says how accurate the labels are expected to be. They replace what was in the layer
        `propagated`; the column `label` is not changed.

        Args:
            where: Only rows that meet this SQL condition.
            layer: Start from the classes of this layer, several a picture. Default: start from `label`.
            least_confidence: A picture gets no label below this probability.
            texts: Try the classes' names as texts too; auto does where the encoder reads texts.
            new_only: Only label pictures without any label yet, by those that have one; quick.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def review_labels(
        self,
        number: int = 20,
        *,
        where: str | PathLike[str] | None = None,
        encoder: str | PathLike[str] | None | Any = None,
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ReviewQueue:
        """List the unlabeled pictures to look at first.

        Those come first where a look corrects most errors of propagated labels. Nothing is written.

        Args:
            number: How many.
            where: Only rows that meet this SQL condition.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def answer_review(
        self,
        queue: Literal['pairs', 'labels', 'propagated', 'picks', 'leaks', 'defects', 'drift'],
        answer: str | PathLike[str],
        *ids: str | PathLike[str],
        label: str | PathLike[str] | None = None,
        kind: str | PathLike[str] | None = None,
        score: float | None = None,
        author: str | PathLike[str] | None = None,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ReviewReport:
        """Answer what the page's review asks of pictures.

        The answer is kept, and is not asked for again. Queues and their answers. pairs, of two
        pictures: `left` or `right` (that one stays, the other is its duplicate), `both` stay, or
        `different`. labels: `keep`, or `change` with a class. propagated: `accept` or `change` with a
        class, or `reject`. picks: `take` or `drop`. leaks, of two pictures: `left` or `right` (both go
        to the split of that one), or `fine`. defects: `defect` or `fine`. drift: `expected`, or `label`
        (they get the tag "to label").

        Args:
            queue: Which queue.
            answer: The answer.
            ids: Sample ids of the pictures; of a pair the left one first.
            label: The class that the pictures show.
            kind: Of a pair: how the two are alike, such as near or flip.
            score: Of a pair: how alike the two are, up to 1.
            author: Who answers.
        """

    def train_probe(
        self,
        *,
        name: str | PathLike[str] = 'classes',
        where: str | PathLike[str] | None = None,
        method: Literal['auto', 'best', 'logistic', 'prototypes', 'neighbors', 'network'] = 'auto',
        layer: str | PathLike[str] | None = None,
        column: str | PathLike[str] | None = None,
        test_split: str | PathLike[str] = 'test',
        folds: bool = False,
        group: str | PathLike[str] | None = None,
        slices: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        gallery: str | PathLike[str] | None = None,
        pixels: bool = False,
        encoder: str | PathLike[str] | Sequence[str | PathLike[str]] | Any = (),
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ProbeTraining:
        """Train a classifier on stored vectors, and measure it.

        Args:
            name: The probe's name.
            where: Only rows that meet this SQL condition.
            method: Which kind; auto goes by the number of labels, best compares all on held-out labels.
            layer: Learn the classes of this layer, of which a picture may have several. Default: learn `label`.
            column: Learn the numbers in this column, by ridge regression. Default: learn `label`.
            test_split: Pictures of this split are measured on and never fitted on.
            folds: Cross-validate on the folds of `tamis split --folds`.
            group: Pictures with one value here are never both fitted on and measured on. Default: near-duplicates.
            slices: Report by the values of this column too.
            gallery: Write a page of its mistakes, by the classes confused.
            pixels: Compare with a small network trained on pixels; needs PyTorch.
            encoder: Whose vectors to use; those of several are joined, and compared with each alone. Default: the dataset's default encoder.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def predict_probe(
        self,
        *,
        name: str | PathLike[str] = 'classes',
        where: str | PathLike[str] | None = None,
        least_confidence: float = 0.0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ProbePredictions:
        """Predict classes with a probe, into the layer `probe_NAME`.

        Args:
            name: The probe's name.
            where: Only rows that meet this SQL condition.
            least_confidence: A picture gets no class below this probability.
        """

    def export_probe(
        self,
        *,
        name: str | PathLike[str] = 'classes',
        out: str | PathLike[str],
        overwrite: bool = False,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ProbeFile:
        """Write a probe and its encoder as one ONNX file.

        Args:
            name: The probe's name.
            out: The file.
            overwrite: Replace a file that is there.
        """

    def cluster(
        self,
        *,
        k: int | Literal['auto'] = 'auto',
        method: Literal['k-means', 'hdbscan', 'evoc'] = 'k-means',
        join: bool = False,
        levels: bool = False,
        words: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        gallery: str | PathLike[str] | None = None,
        where: str | PathLike[str] | None = None,
        examples: int = 5,
        encoder: str | PathLike[str] | None | Any = None,
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ClusterReport:
        """Group similar pictures, and name and mark each group.

        The mark `cluster` numbers the groups, 0 the largest:  tamis label set CLASS --where
        "cluster = 0"

        Args:
            k: How many clusters; auto takes the number that is most stable on halves of the data.
            method: k-means, or dense regions by HDBSCAN or EVoC, which are extras.
            join: Put new pictures into the clusters that are marked; nothing else changes.
            levels: Also mark coarser and finer clusters, as cluster_level_0 (the coarsest) and on.
            words: Name clusters by this word too, where the encoder reads texts.
            gallery: Write a page of the clusters.
            where: Only rows that meet this SQL condition.
            examples: How many pictures of each to list.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def map(
        self,
        *,
        again: bool = False,
        landmarks: int = 100000,
        encoder: str | PathLike[str] | None | Any = None,
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> MapReport:
        """Lay out all pictures on a map that keeps neighbors together.

        Pictures that come later are placed, and none is moved. The page shows it, and the report. It
        needs the extra `map` when it is made, not afterwards.

        Args:
            again: Make the map anew; without it, only pictures without a place get one.
            landmarks: How many pictures are laid out; the others are placed among them.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def evaluate(
        self,
        layer: str | PathLike[str],
        *,
        truth: str | PathLike[str] = 'truth',
        task: Literal['boxes', 'masks', 'keypoints', 'classes'] | None = None,
        where: str | PathLike[str] | None = None,
        by: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        confidence: float = 0.5,
        overlap: float = 0.5,
        tag: str | PathLike[str] | None = None,
        most: int | None = None,
        gallery: str | PathLike[str] | None = None,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> EvaluateReport:
        """Compare predictions in one layer with the truth in another.

        Average precision is COCO's. Precision, recall and confusion are at one confidence and one
        overlap.

        Args:
            layer: The layer of predictions.
            truth: The layer with the truth.
            task: What is compared. Default: boxes if the layer of predictions has any.
            where: Only rows that meet this SQL condition.
            by: Columns whose values make slices, such as split or tags; numbers in quarters.
            confidence: Least confidence of a prediction that counts.
            overlap: Least intersection over union of a match.
            tag: Tag pictures with a mistake.
            most: Tag and show only the N pictures on which the layers disagree most. Default: all with a mistake are tagged, 200 shown.
            gallery: Also write a page of these pictures, with both layers drawn.
        """

    def curate(
        self,
        *sources: str | PathLike[str],
        keep: int,
        out: str | PathLike[str],
        labels: str | PathLike[str] = 'none',
        label_level: int | None = None,
        exclude: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        every: float | Literal['frame', 'keyframe'] | None = None,
        encoder: str | PathLike[str] | Any = 'default',
        drop: Literal['copies', 'changed'] = 'copies',
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> CurateReport:
        """Add, embed, drop copies, select, split, export and report.

        Bad pictures are dropped too. Pictures that show the same view with different content, such as
        frames of a fixed camera, are not copies, and can be selected unless `drop` says otherwise.

        Args:
            sources: Folders, globs, pictures, videos, zip or tar archives.
            keep: How many pictures to keep.
            out: Where the result goes.
            labels: Take labels from folder names or a table (CSV, Parquet).
            label_level: Which folder gives the label: 1 the first below the source, 0 the source itself, -1 the one that holds the picture, -2 the one above that. Default: the level at which pictures differ.
            exclude: Skip files and folders, such as '*.png' or masks.
            every: How often to take a frame from videos, those in folders included. Default: 1 for videos that are named; videos in folders are skipped.
            encoder: The encoder; `tamis encoders` lists them.
            drop: Drop copies only, or changed versions of the same view as well.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def defects_export(
        self,
        out: str | PathLike[str],
        *,
        size: tuple[int, int],
        model: str | PathLike[str] = 'defects',
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> DefectsExportReport:
        """Write a model with its encoder as one ONNX graph.

        The graph scores pictures of one size.

        Its scores, verdicts and heat-maps are those of `defects score`.

        Args:
            out: The file, NAME.onnx.
            size: Width and height of the pictures, in pixels.
            model: A model's name in the dataset, or its file.
        """

    def defects_fit(
        self,
        *,
        where: str | PathLike[str] | None = None,
        out: str | PathLike[str] | None = None,
        name: str | PathLike[str] = 'defects',
        onto: str | PathLike[str] | None = None,
        encoder: str | PathLike[str] | None | Any = None,
        rate: float = 0.05,
        shots: int | None = None,
        rotations: bool = False,
        contamination: float = 0.0,
        group: str | PathLike[str] | None = None,
        side: int | None = None,
        model: Literal['auto', 'bank', 'residual'] = 'auto',
        levels: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        bank: int = 1000,
        flaws: Literal['cutpaste', 'scratch', 'noise', 'blur', 'missing'] | Sequence[Literal['cutpaste', 'scratch', 'noise', 'blur', 'missing']] = (),
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> DefectsFitReport:
        """Fit a model of nominal pictures, for `defects score`.

        Pictures need no vectors. The model, its levels and its smoothing are chosen by flaws that are
        planted on some of the pictures. The threshold is of pictures that were held out.

        Args:
            where: Only rows that meet this SQL condition.
            out: The model's file. Default: in the dataset.
            name: The model's name in the dataset.
            onto: Let this model learn those of the pictures that are new to it, as it was chosen; a name in the dataset, or a file.
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
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def defects_score(
        self,
        sources: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        *,
        model: str | PathLike[str] = 'defects',
        where: str | PathLike[str] | None = None,
        tag: str | PathLike[str] | None = None,
        new: bool = False,
        batch: bool = False,
        every: float | Literal['frame', 'keyframe'] | None = None,
        exclude: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        threshold: float | None = None,
        layer: str | PathLike[str] = 'defects',
        maps: str | PathLike[str] | None = None,
        gallery: str | PathLike[str] | None = None,
        truth: str | PathLike[str] | None = None,
        masks: str | PathLike[str] | None = None,
        fail: bool = False,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> DefectsReport:
        """Score pictures, and show where they differ from nominal ones.

        Pictures are those of folders, archives and videos, which are not added, or rows of the dataset,
        whose regions become a layer of annotations.

        Args:
            sources: New pictures: folders, globs, archives or videos.
            model: A model's name in the dataset, or its file.
            where: Rows of the dataset that meet this SQL condition.
            tag: Rows with this tag.
            new: Rows that the model was not fitted to and that the layer does not have.
            batch: Let the pictures score each other, without a model of nominal ones.
            every: How often to take a frame from videos, those in folders included. Default: 1 for videos that are named; videos in folders are skipped.
            exclude: Skip files and folders, such as '*.png' or masks.
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
        threshold: float | Literal['auto'] = 'auto',
        changed_threshold: float | Literal['auto'] = 'auto',
        apply: bool = False,
        drop: Literal['copies', 'changed'] = 'copies',
        prefer: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        where: str | PathLike[str] | None = None,
        rotations: bool = False,
        gallery: str | PathLike[str] | None = None,
        encoder: str | PathLike[str] | None | Any = None,
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> DuplicateReport:
        """Find copies and changed versions, and which ones to keep.

        Copies differ only by noise and processing. A changed version shows the same view with different
        content somewhere, and you are shown where. Files are never deleted.

        Args:
            threshold: Score in (0, 1] from which a pair is a copy; auto learns it from the pictures.
            changed_threshold: Agreement in (0, 1] from which a pair shows one view, with other content.
            apply: Mark what is dropped; no file is ever deleted.
            drop: Drop copies only, or changed versions of the same view as well.
            prefer: Which copy to keep: resolution, upright, sharpness, exif, oldest, newest, labeled, unlabeled, size, path, folder=PATH or folder=GLOB; several with commas or repeated, the first that tells two copies apart decides. Where none does: resolution, upright, sharpness, exif, size, path. A file that is there always goes first.
            where: Only rows that meet this SQL condition.
            rotations: Also find copies rotated by 90, 180 or 270 degrees; slower.
            gallery: Write a page with the pairs side by side and what differs marked.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def drift_adapt(
        self,
        *,
        where: str | PathLike[str] | None = None,
        tag: str | PathLike[str] | None = None,
        split: str | PathLike[str] | None = None,
        name: str | PathLike[str] = 'classes',
        method: Literal['auto', 'prior', 'temperature', 'retrain'] = 'auto',
        test_split: str | PathLike[str] = 'test',
        dry_run: bool = False,
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> DriftAdaptation:
        """Adapt a probe to drifted pictures, and show how well it does.

        Without labels of drifted pictures, its classes are weighted by how frequent they are now. With
        20 labels or more, that, a new temperature and a new fit are compared, and the best is kept.

        Args:
            where: Drifted pictures fulfill this SQL condition.
            tag: Drifted pictures have this tag.
            split: Drifted pictures are of this split.
            name: The probe's name.
            method: Weight classes by their shares, fit the certainty, or fit on old and new labels; auto takes what does best on new labels.
            test_split: Pictures of this split are never fitted on.
            dry_run: Show what would be done, and change nothing.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def drift_check(
        self,
        sources: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        *,
        where: str | PathLike[str] | None = None,
        tag: str | PathLike[str] | None = None,
        split: str | PathLike[str] | None = None,
        snapshot: int | str | PathLike[str] | None = None,
        reference: str | PathLike[str] | None = None,
        every: float | Literal['frame', 'keyframe'] | None = None,
        exclude: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        covariates: Literal['brightness', 'sharpness', 'size', 'hour', 'camera'] | Sequence[Literal['brightness', 'sharpness', 'size', 'hour', 'camera']] = (),
        level: float = 0.05,
        permutations: int = 999,
        examples: int = 10,
        gallery: str | PathLike[str] | None = None,
        monitor: bool = True,
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> DriftReport:
        """Test whether pictures have drifted from the reference.

        Exit code 1 if they have. Pictures are rows of the dataset, or come from folders, archives and
        videos, which are embedded but not added.

        Args:
            sources: New pictures: folders, globs, archives or videos.
            where: Rows of the dataset that meet this SQL condition.
            tag: Rows with this tag.
            split: Rows of this split.
            snapshot: The dataset as it was at this snapshot or tag of one.
            reference: A reference that `drift fit --out` wrote. Default: the dataset's last.
            every: How often to take a frame from videos, those in folders included. Default: 1 for videos that are named; videos in folders are skipped.
            exclude: Skip files and folders, such as '*.png' or masks.
            covariates: Compare this figure, and no other that is not named: brightness, sharpness, size, hour, camera. Default: all that vary; hour and camera unless the pictures are of one day or camera.
            level: Chance of a false alarm.
            permutations: No p-value is under 1 / (N + 1).
            examples: How many pictures to show and to label.
            gallery: Write a page of what changed, with pictures before and after.
            monitor: Count the pictures in the running e-value that is kept beside the reference.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def drift_fit(
        self,
        *,
        where: str | PathLike[str] | None = None,
        out: str | PathLike[str] | None = None,
        encoder: str | PathLike[str] | None | Any = None,
        block: int | None = None,
        level: float = 0.05,
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> DriftFitReport:
        """Store a reference for `drift check` to compare with.

        It holds rounded vectors and simple figures of up to some 10,000 pictures, in 4 MB at most.

        Args:
            where: Only rows that meet this SQL condition.
            out: The reference's file. Default: in the dataset.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            block: Consecutive pictures of one video, camera or folder that count as one draw. Default: found from frames of videos; 1 for photographs.
            level: Chance that the running e-value ever raises a false alarm.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def embed(
        self,
        encoder: str | PathLike[str] | Any = 'default',
        *,
        dtype: Literal['float32', 'float16'] = 'float32',
        retry: bool = False,
        batch_size: int | None = None,
        device: str | PathLike[str] | None = None,
        precision: Literal['auto', 'float32', 'bfloat16', 'float16'] | None = None,
        threads: int | None = None,
        processes: bool | None = None,
        runner: Literal['local', 'ray'] = 'local',
        address: str | PathLike[str] | None = None,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> EmbedReport:
        """Compute vectors for the pictures that lack them.

        Args:
            encoder: The encoder; `tamis encoders` lists them.
            dtype: How to store the vectors.
            retry: Retry pictures that failed before.
            batch_size: Pictures per batch. Default: chosen automatically.
            device: The device, or several. Default: the best.
            precision: What the encoder computes in; auto takes a lower one on a GPU if vectors stay alike. Default: as the encoder says.
            threads: Threads that read and decode. Default: one per processor.
            processes: Decode in processes: faster from four processors on, and a picture that crashes a decoder costs itself alone. Default: from 4 threads and some 1,000 pictures on.
            runner: Where the work is done: on this machine, or on a Ray cluster.
            address: The Ray cluster. Default: the one this machine belongs to.
        """

    def filter(
        self,
        *texts: str | PathLike[str],
        not_texts: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        threshold: float | None = None,
        classes: bool = False,
        tag: str | PathLike[str] | None = None,
        gallery: str | PathLike[str] | None = None,
        where: str | PathLike[str] | None = None,
        encoder: str | PathLike[str] | None | Any = None,
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> FilterReport:
        """Find the pictures that match a text, and tag them.

        How many of them really match depends on the encoder: look at the pictures near the cut
        (gallery). Of several texts, the nearest counts. With classes, all texts, negative ones
        included, are classes, and each picture belongs to one.

        Args:
            texts: What the pictures should show.
            not_texts: What they should not show.
            threshold: Least score that passes: a cosine similarity, with classes a probability. Default: found in the scores, or by everyday things; with classes none.
            classes: Treat the texts as classes; each picture belongs to one.
            tag: Tag the pictures that pass; without it nothing is written.
            gallery: Write a page of the pictures on either side of the cut.
            where: Only rows that meet this SQL condition.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def finetune(
        self,
        *,
        method: Literal['auto', 'simclr', 'vicreg', 'byol', 'dino', 'densecl', 'cutpaste', 'distill'] = 'auto',
        encoder: str | PathLike[str] | None | Any = None,
        teacher: str | PathLike[str] | None = None,
        where: str | PathLike[str] | None = None,
        train: Literal['all', 'last'] = 'all',
        lora: int | None = None,
        epochs: int = 10,
        batch: int = 32,
        side: int | None = None,
        input: int | None = None,
        rate: float | None = None,
        patience: int = 3,
        pictures: int = 5000,
        group: str | PathLike[str] | None = None,
        preview: str | PathLike[str] | None = None,
        out: str | PathLike[str] | None = None,
        device: str | PathLike[str] | None = None,
        precision: Literal['float32', 'bfloat16'] = 'float32',
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> FineTuning:
        """Train an encoder on your own pictures, without labels.

        It is kept only if it does better. Pictures of the splits val and test are never trained on.
        Whether training helped is measured on pictures that it did not see; if it did not, the old
        encoder is kept and nothing changes.

        Args:
            method: What the network learns: cutpaste keeps small local differences, simclr, vicreg, byol and dino whole pictures, densecl places, distill another encoder's vectors. Default: distill with a teacher, cutpaste after defects fit, else simclr.
            encoder: The encoder to train: bundled, or one that PyTorch runs. Default: the dataset's default encoder.
            teacher: Whose vectors to distill into it. Default: none.
            where: Only rows that meet this SQL condition.
            train: Train all layers, or the last quarter of them.
            lora: Learn corrections of this rank to linear layers in place of their weights. Default: learn the weights.
            epochs: The most passes over the pictures.
            batch: Pictures for one step.
            side: Side in pixels of what is trained on; less is faster. Default: 128 for a bundled encoder, else what the encoder takes.
            input: Side in pixels that the new encoder takes, for a faster one; with distill only. Default: that of the old one.
            rate: Learning rate at its highest. Default: 0.0003, or 0.001 with lora.
            patience: Epochs without a better signal after which it stops.
            pictures: The most pictures to use, drawn at random.
            group: Pictures with one value here are never told apart, nor on both sides of a comparison. Default: near-duplicates and videos.
            preview: Write a sheet of what would be trained on, and stop there.
            out: The new encoder's file. Default: in the dataset.
            device: Where to train: cpu, cuda, cuda:1, mps. Default: the best.
            precision: bfloat16 trains in mixed precision.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def index(
        self,
        *,
        encoder: str | PathLike[str] | None | Any = None,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> IndexReport:
        """Index the vectors for search.

        `embed` does this by itself from 100,000 pictures on.

        Args:
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
        """

    def outliers(
        self,
        *,
        by: Literal['neighbor_distance', 'mahalanobis'] = 'neighbor_distance',
        nominal: str | PathLike[str] | None = None,
        k: int = 5,
        count: int = 20,
        gallery: str | PathLike[str] | None = None,
        where: str | PathLike[str] | None = None,
        encoder: str | PathLike[str] | None | Any = None,
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> OutliersReport:
        """Find pictures and clusters that are odd as a whole.

        Each picture is marked with two distances from all others, or from those that are nominal.

        Args:
            by: The mark that pictures are listed by, highest first.
            nominal: Pictures that are as they should be; distances are from these. Default: all.
            k: Which nearest picture a neighbor distance is to.
            count: How many pictures to list.
            gallery: Write a page of them and of the clusters.
            where: Only rows that meet this SQL condition.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def scores(
        self,
        *,
        where: str | PathLike[str] | None = None,
        encoder: str | PathLike[str] | None | Any = None,
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ScoreReport:
        """Mark how representative and how unique each picture is.

        Args:
            where: Only rows that meet this SQL condition.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def search(
        self,
        texts: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        *,
        like: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        not_texts: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        unlike: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        region: tuple[int, int, int, int] | None = None,
        k: int = 20,
        where: str | PathLike[str] | None = None,
        encoder: str | PathLike[str] | None | Any = None,
        exact: bool = False,
        distinct: float | None = None,
        tiles: bool = False,
        rerank: int = 0,
        gallery: str | PathLike[str] | None = None,
        open_page: bool = False,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> SearchReport:
        """Find the pictures nearest to a text or an example, best first.

        Several texts and examples are averaged; negative ones are subtracted.

        Args:
            texts: What the pictures should show.
            like: An example: a path or sample id of the dataset, a file, or an annotation's id for the part of a picture where it lies.
            not_texts: What they should not show.
            unlike: An example that they should be unlike.
            region: The part of the first example to look for, in pixels.
            k: How many pictures.
            where: Only rows that meet this SQL condition.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            exact: Compare all vectors, without an index.
            distinct: Skip pictures that are more similar than this to a better hit.
            tiles: Compare tiles too, and say which part matched.
            rerank: Reorder the N best by comparing patches with the first example.
            gallery: Also write a page of the pictures.
            open_page: Show that page in the browser.
        """

    def select(
        self,
        n: int,
        *,
        strategy: Literal['default', 'dpp', 'facility-location', 'hierarchical-k-means', 'k-center', 'k-means', 'max-herding', 'prob-cover', 'random', 'typicality', 'badge', 'entropy', 'margin', 'uncertainty-herding'] | Literal['schedule'] | Mapping[str, float] | None = None,
        diverse: float | None = None,
        quotas: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        include: str | PathLike[str] | None = None,
        forbid: str | PathLike[str] | None = None,
        labeled: str | PathLike[str] | None = None,
        unsure: str | PathLike[str] | None = None,
        rare_classes: str | PathLike[str] | None = None,
        label_column: str | PathLike[str] = 'label',
        train_split: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        test_split: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        rounds: int = 5,
        seeds: int = 10,
        against: Literal['default', 'dpp', 'facility-location', 'hierarchical-k-means', 'k-center', 'k-means', 'max-herding', 'prob-cover', 'random', 'typicality', 'badge', 'entropy', 'margin', 'uncertainty-herding'] | Literal['schedule'] | Mapping[str, float] | Sequence[Literal['default', 'dpp', 'facility-location', 'hierarchical-k-means', 'k-center', 'k-means', 'max-herding', 'prob-cover', 'random', 'typicality', 'badge', 'entropy', 'margin', 'uncertainty-herding'] | Literal['schedule'] | Mapping[str, float]] = (),
        min_part: int = 32,
        where: str | PathLike[str] | None = None,
        encoder: str | PathLike[str] | None | Any = None,
        seed: int = 0,
        apply: bool = True,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> Selection | Round | Simulation:
        """Select the pictures that represent the dataset.

        With round: those to label next, given the labels so far. With simulate: replay such rounds on
        known labels, and change nothing.

        Args:
            n: How many pictures.
            strategy: How: default, dpp, facility-location, hierarchical-k-means, k-center, k-means, max-herding, prob-cover, random, typicality; or several with their shares, such as dpp:.5,random:.5. With --round or --simulate also badge, entropy, margin, uncertainty-herding, and schedule, by the number of labels. Default: default; in rounds schedule.
            diverse: Share of N that the default strategy selects for diversity. Default: none of the first 30 and a fifth of the rest.
            quotas: How many of a group: label=cat:10, :10.. at least, :..10 at most, :5..10, :20%, label=*:2.. for each value, label=*:equal, label=*:proportional.
            include: Always select these; they count toward N.
            forbid: Never select these, but let others represent them.
            labeled: These are labeled: they represent others and are not selected again.
            unsure: Prefer pictures with objects that this layer of predictions is unsure of.
            rare_classes: Prefer pictures with classes in this layer that few have so far.
            label_column: The column with the labels, for rounds.
            train_split: In rounds: the split to select and learn from. Default: those named train or training.
            test_split: In rounds: the split to measure the accuracy on. Default: those named test, else val or validation.
            rounds: How many to simulate.
            seeds: Runs of each strategy to simulate.
            against: Another strategy to simulate.
            min_part: Do not select crops and tiles with a shorter side.
            where: Only rows that meet this SQL condition.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            seed: Seed of all random choices; the same seed gives the same result.
            apply: Mark what is selected.
        """

    def select_round(
        self,
        n: int,
        *,
        strategy: Literal['default', 'dpp', 'facility-location', 'hierarchical-k-means', 'k-center', 'k-means', 'max-herding', 'prob-cover', 'random', 'typicality', 'badge', 'entropy', 'margin', 'uncertainty-herding'] | Literal['schedule'] | Mapping[str, float] | None = None,
        diverse: float | None = None,
        quotas: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        include: str | PathLike[str] | None = None,
        forbid: str | PathLike[str] | None = None,
        labeled: str | PathLike[str] | None = None,
        unsure: str | PathLike[str] | None = None,
        rare_classes: str | PathLike[str] | None = None,
        label_column: str | PathLike[str] = 'label',
        train_split: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        test_split: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        rounds: int = 5,
        seeds: int = 10,
        against: Literal['default', 'dpp', 'facility-location', 'hierarchical-k-means', 'k-center', 'k-means', 'max-herding', 'prob-cover', 'random', 'typicality', 'badge', 'entropy', 'margin', 'uncertainty-herding'] | Literal['schedule'] | Mapping[str, float] | Sequence[Literal['default', 'dpp', 'facility-location', 'hierarchical-k-means', 'k-center', 'k-means', 'max-herding', 'prob-cover', 'random', 'typicality', 'badge', 'entropy', 'margin', 'uncertainty-herding'] | Literal['schedule'] | Mapping[str, float]] = (),
        min_part: int = 32,
        where: str | PathLike[str] | None = None,
        encoder: str | PathLike[str] | None | Any = None,
        seed: int = 0,
        apply: bool = True,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> Selection | Round | Simulation:
        """Select the pictures that represent the dataset.

        With round: those to label next, given the labels so far. With simulate: replay such rounds on
        known labels, and change nothing.

        Args:
            n: How many pictures.
            strategy: How: default, dpp, facility-location, hierarchical-k-means, k-center, k-means, max-herding, prob-cover, random, typicality; or several with their shares, such as dpp:.5,random:.5. With --round or --simulate also badge, entropy, margin, uncertainty-herding, and schedule, by the number of labels. Default: default; in rounds schedule.
            diverse: Share of N that the default strategy selects for diversity. Default: none of the first 30 and a fifth of the rest.
            quotas: How many of a group: label=cat:10, :10.. at least, :..10 at most, :5..10, :20%, label=*:2.. for each value, label=*:equal, label=*:proportional.
            include: Always select these; they count toward N.
            forbid: Never select these, but let others represent them.
            labeled: These are labeled: they represent others and are not selected again.
            unsure: Prefer pictures with objects that this layer of predictions is unsure of.
            rare_classes: Prefer pictures with classes in this layer that few have so far.
            label_column: The column with the labels, for rounds.
            train_split: In rounds: the split to select and learn from. Default: those named train or training.
            test_split: In rounds: the split to measure the accuracy on. Default: those named test, else val or validation.
            rounds: How many to simulate.
            seeds: Runs of each strategy to simulate.
            against: Another strategy to simulate.
            min_part: Do not select crops and tiles with a shorter side.
            where: Only rows that meet this SQL condition.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            seed: Seed of all random choices; the same seed gives the same result.
            apply: Mark what is selected.
        """

    def simulate_rounds(
        self,
        n: int,
        *,
        strategy: Literal['default', 'dpp', 'facility-location', 'hierarchical-k-means', 'k-center', 'k-means', 'max-herding', 'prob-cover', 'random', 'typicality', 'badge', 'entropy', 'margin', 'uncertainty-herding'] | Literal['schedule'] | Mapping[str, float] | None = None,
        diverse: float | None = None,
        quotas: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        include: str | PathLike[str] | None = None,
        forbid: str | PathLike[str] | None = None,
        labeled: str | PathLike[str] | None = None,
        unsure: str | PathLike[str] | None = None,
        rare_classes: str | PathLike[str] | None = None,
        label_column: str | PathLike[str] = 'label',
        train_split: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        test_split: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        rounds: int = 5,
        seeds: int = 10,
        against: Literal['default', 'dpp', 'facility-location', 'hierarchical-k-means', 'k-center', 'k-means', 'max-herding', 'prob-cover', 'random', 'typicality', 'badge', 'entropy', 'margin', 'uncertainty-herding'] | Literal['schedule'] | Mapping[str, float] | Sequence[Literal['default', 'dpp', 'facility-location', 'hierarchical-k-means', 'k-center', 'k-means', 'max-herding', 'prob-cover', 'random', 'typicality', 'badge', 'entropy', 'margin', 'uncertainty-herding'] | Literal['schedule'] | Mapping[str, float]] = (),
        min_part: int = 32,
        where: str | PathLike[str] | None = None,
        encoder: str | PathLike[str] | None | Any = None,
        seed: int = 0,
        apply: bool = True,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> Selection | Round | Simulation:
        """Select the pictures that represent the dataset.

        With round: those to label next, given the labels so far. With simulate: replay such rounds on
        known labels, and change nothing.

        Args:
            n: How many pictures.
            strategy: How: default, dpp, facility-location, hierarchical-k-means, k-center, k-means, max-herding, prob-cover, random, typicality; or several with their shares, such as dpp:.5,random:.5. With --round or --simulate also badge, entropy, margin, uncertainty-herding, and schedule, by the number of labels. Default: default; in rounds schedule.
            diverse: Share of N that the default strategy selects for diversity. Default: none of the first 30 and a fifth of the rest.
            quotas: How many of a group: label=cat:10, :10.. at least, :..10 at most, :5..10, :20%, label=*:2.. for each value, label=*:equal, label=*:proportional.
            include: Always select these; they count toward N.
            forbid: Never select these, but let others represent them.
            labeled: These are labeled: they represent others and are not selected again.
            unsure: Prefer pictures with objects that this layer of predictions is unsure of.
            rare_classes: Prefer pictures with classes in this layer that few have so far.
            label_column: The column with the labels, for rounds.
            train_split: In rounds: the split to select and learn from. Default: those named train or training.
            test_split: In rounds: the split to measure the accuracy on. Default: those named test, else val or validation.
            rounds: How many to simulate.
            seeds: Runs of each strategy to simulate.
            against: Another strategy to simulate.
            min_part: Do not select crops and tiles with a shorter side.
            where: Only rows that meet this SQL condition.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            seed: Seed of all random choices; the same seed gives the same result.
            apply: Mark what is selected.
        """

    def split(
        self,
        *,
        train: float = 0.8,
        val: float = 0.1,
        test: float = 0.1,
        folds: int | None = None,
        time: str | PathLike[str] | None = None,
        time_block: float | str | PathLike[str] | None = None,
        gap: float | str | PathLike[str] | None = None,
        block_by: str | PathLike[str] | None = None,
        group: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        shots: Literal['histogram', 'transnetv2'] = 'histogram',
        label: str | PathLike[str] = 'label',
        delimiter: str | PathLike[str] | None = None,
        threshold: float | None = None,
        changed: Literal['auto', 'together', 'apart'] = 'auto',
        column: str | PathLike[str] | None = None,
        where: str | PathLike[str] | None = None,
        encoder: str | PathLike[str] | None | Any = None,
        seed: int = 0,
        apply: bool = True,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> SplitReport:
        """Split into train, val and test with no copy across them.

        Labels and clusters are spread evenly over the splits. With check, existing splits are audited
        instead.

        Args:
            train: Share of train.
            val: Share of val.
            test: Share of test.
            folds: Make K folds instead, in the column fold.
            time: Train on the past, test on the latest.
            time_block: Keep together what one camera or video took within blocks of this length: 90s, 10m, 2h, 1d.
            gap: With time blocks: least time between splits; pictures in between get none. Default: a tenth of a block.
            block_by: With time blocks: a column of times, or of seconds. Default: seconds of frames, captured_at of photographs.
            group: Keep rows with the same value together.
            shots: With --group shot: find cuts in the frames' thumbnails, or by a network in whole videos (tamis[shots]).
            label: Labels to spread evenly, one or several a row.
            delimiter: Separates several labels in one text, e.g. ;
            threshold: Join from this cosine similarity on, whatever the pixels say.
            changed: Keep changed versions of one view in one split; auto does where they are rare.
            column: With check: where splits are named; path means by folder. Default: split.
            where: Only rows that meet this SQL condition.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            seed: Seed of all random choices; the same seed gives the same result.
            apply: Mark the splits.
        """

    def check_splits(
        self,
        *,
        train: float = 0.8,
        val: float = 0.1,
        test: float = 0.1,
        folds: int | None = None,
        time: str | PathLike[str] | None = None,
        time_block: float | str | PathLike[str] | None = None,
        gap: float | str | PathLike[str] | None = None,
        block_by: str | PathLike[str] | None = None,
        group: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        shots: Literal['histogram', 'transnetv2'] = 'histogram',
        label: str | PathLike[str] = 'label',
        delimiter: str | PathLike[str] | None = None,
        threshold: float | None = None,
        changed: Literal['auto', 'together', 'apart'] = 'auto',
        column: str | PathLike[str] | None = None,
        where: str | PathLike[str] | None = None,
        encoder: str | PathLike[str] | None | Any = None,
        seed: int = 0,
        apply: bool = True,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> SplitReport:
        """Split into train, val and test with no copy across them.

        Labels and clusters are spread evenly over the splits. With check, existing splits are audited
        instead.

        Args:
            train: Share of train.
            val: Share of val.
            test: Share of test.
            folds: Make K folds instead, in the column fold.
            time: Train on the past, test on the latest.
            time_block: Keep together what one camera or video took within blocks of this length: 90s, 10m, 2h, 1d.
            gap: With time blocks: least time between splits; pictures in between get none. Default: a tenth of a block.
            block_by: With time blocks: a column of times, or of seconds. Default: seconds of frames, captured_at of photographs.
            group: Keep rows with the same value together.
            shots: With --group shot: find cuts in the frames' thumbnails, or by a network in whole videos (tamis[shots]).
            label: Labels to spread evenly, one or several a row.
            delimiter: Separates several labels in one text, e.g. ;
            threshold: Join from this cosine similarity on, whatever the pixels say.
            changed: Keep changed versions of one view in one split; auto does where they are rare.
            column: With check: where splits are named; path means by folder. Default: split.
            where: Only rows that meet this SQL condition.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            seed: Seed of all random choices; the same seed gives the same result.
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
        """Return to the state at a snapshot or tag; can be undone.

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
        """Name the current snapshot.

        Args:
            name: The name.
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
        """Remove files that killed processes left behind.

        Nothing that was committed is lost.

        Args:
        """

    def prune(
        self,
        *,
        days: float = 30,
        apply: bool = False,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> PruneReport:
        """Say how much old states take up; with --apply, let them go.

        The present state stays, and every state that has a tag, that was the present one within the
        last days, or that undoing one of the ten newest operations needs. The log keeps all its entries
        and says which states are gone. Nothing brings them back.

        Args:
            days: Keep states that were left within so many days.
            apply: Remove the data; without it, only say what would go.
        """

    def set_default_encoder(
        self,
        spec: str | PathLike[str] | None = None,
        *,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> DefaultEncoderReport:
        """Show or set the encoder used where none is named.

        Args:
            spec: An encoder that the dataset has vectors of.
        """

    def info(
        self,
        *,
        index: bool = False,
        files: bool = False,
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
        encoder: str | PathLike[str] | None | Any = None,
        seed: int = 0,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ReportWritten:
        """Write one self-contained HTML report.

        Args:
            out: The HTML file.
            encoder: The encoder whose vectors to use. Default: the dataset's default encoder.
            seed: Seed of all random choices; the same seed gives the same result.
        """

    def export(
        self,
        format: Literal['folder', 'csv', 'parquet', 'coco', 'cvat', 'fiftyone', 'huggingface', 'imagefolder', 'labelme', 'labelstudio', 'voc', 'webdataset', 'yolo', 'yolo-classify'],
        out: str | PathLike[str],
        *,
        where: str | PathLike[str] | None = None,
        by: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        columns: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        layer: str | PathLike[str] | None = None,
        pictures: bool = True,
        link: Literal['copy', 'hardlink', 'symlink'] = 'copy',
        overwrite: bool = False,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> ExportReport:
        """Export pictures, tables or annotations; originals stay.

        A folder gets the pictures, archive members included and parts cut out, with `manifest.csv` and
        `manifest.parquet`, whose first column `file` names each picture there. The formats of other
        tools get the pictures and one layer of annotations; what they cannot hold is counted.

        Args:
            format: The format.
            out: Where it goes.
            where: Only rows that meet this SQL condition.
            by: Make subfolders by this column, the outermost first. Default: split.
            columns: Columns of the table. Default: all but pictures and vectors.
            layer: The layer of annotations; of csv and parquet, export its annotations instead of rows. Default: truth.
            pictures: Export the pictures along with annotations.
            link: Copy pictures, or link to them.
            overwrite: Replace an earlier export.
        """

    def check(
        self,
        *,
        repair: bool = False,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> CheckReport:
        """Check that all pictures and the dataset itself are intact.

        Every file of the dataset is compared with its checksum; keys, vectors, annotations, indexes and
        the log have to agree.

        Args:
            repair: Mend what can be: clear vectors that are wrong, so that embed computes them, remove annotations of no sample, build broken indexes anew, and remove what killed runs left.
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
        """Update the paths of pictures that were moved.

        A picture whose file is missing, or has other content, is left as it is. Can be undone.

        Args:
            old: The folder as the dataset has it.
            new: Where it is now.
        """

    def push(
        self,
        to: str | PathLike[str],
        *,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> CopyReport:
        """Copy a dataset to an object store, where others can pull it.

        Only what the copy lacks is sent. Of two who push at once one wins, and the other is told.

        Args:
            to: Where to, such as s3://bucket/line3.tamis.
        """

    def pull(
        self,
        source: str | PathLike[str],
        *,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> CopyReport:
        """Copy a dataset from an object store, or update such a copy.

        Everything is checked against its checksum before the dataset is touched.

        Args:
            source: Where from, such as s3://bucket/line3.tamis.
        """

    def watch(
        self,
        *sources: str | PathLike[str],
        threshold: float | Literal['auto'] = 'auto',
        rate: str | PathLike[str] | None = None,
        max_kept: int | None = None,
        window: float | None = None,
        sample: float | Literal['frame', 'keyframe'] = 'frame',
        encoder: str | PathLike[str] | Any = 'default',
        gate: bool = True,
        out: str | PathLike[str] | None = None,
        copy: bool | None = None,
        metrics: str | PathLike[str] | int | None = None,
        drift: str | PathLike[str] | None = None,
        drift_token: str | PathLike[str] | None = None,
        defects: str | PathLike[str] | None = None,
        behind: Literal['drop', 'block'] | None = None,
        seconds: float | None = None,
        once: bool = False,
        per_stream: bool = False,
        progress: Progress = ...,
        stage: Callable[[str], Progress] = ...,
        tell: Callable[[Any], None] = ...,
        note: Callable[[str], None] = ...,
        stop: Event | None = None,
    ) -> WatchReport:
        """Watch sources, and keep the frames that show something new.

        Ctrl-C ends it; the next watch continues where it stopped. Samples that have vectors of this
        encoder count as kept. Kept frames of files are stored as references such as
        `line3.mp4!frame=120`.

        Args:
            sources: Video files, folders, network addresses, /dev/video0.
            threshold: Cosine similarity above which a frame is not new; auto measures it on the first frames.
            rate: Keep about this many, such as 500/day.
            max_kept: Most vectors to compare with.
            window: Forget frames that were not seen again for this long.
            sample: Which frames to look at.
            encoder: The encoder; `tamis encoders` lists them.
            gate: Skip the encoder for frames whose pixels hardly differ.
            out: Copy kept frames to this folder.
            copy: Copy kept frames, or point to them. Default: copy if live.
            metrics: Serve Prometheus metrics at this address.
            drift: Send the vectors of all frames looked at to this reference on a drift server.
            drift_token: File with the token of the drift server.
            defects: Keep the frames that this model of `defects fit` calls anomalous, and no others.
            behind: What to do when frames come too fast. Default: drop if live.
            seconds: How long to watch.
            once: Stop after one pass over the folders.
            per_stream: Compare each source only with itself.
        """
