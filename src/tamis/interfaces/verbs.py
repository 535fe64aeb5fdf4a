"""The verbs of `tamis.Dataset`, each made from the class of its request.

`verbs.pyi` beside this file is written by `make golden` from the same classes, for editors and type
checkers.
"""

from __future__ import annotations

from tamis.interfaces.methods import Method
from tamis.services.add.contract import Add, AddCrops, AddTiles, CropObjects
from tamis.services.align.contract import Align
from tamis.services.annotate.contract import ClearLabels, Import, ListLayers, SetLabel
from tamis.services.bench.contract import Bench
from tamis.services.check.contract import Check
from tamis.services.cluster.contract import Cluster
from tamis.services.compare.contract import Compare
from tamis.services.copies.contract import Pull, Push
from tamis.services.coverage.contract import Coverage
from tamis.services.curate.contract import Curate
from tamis.services.defects.contract import DefectsExport, DefectsFit, DefectsScore
from tamis.services.drift.contract import DriftAdapt, DriftCheck, DriftFit
from tamis.services.duplicates.contract import Duplicates
from tamis.services.edit.contract import (
    DrawAnnotation,
    EditAnnotation,
    InterpolateBoxes,
    RemoveAnnotations,
    RenameClass,
    SetBoxes,
)
from tamis.services.embed.contract import Embed
from tamis.services.encoders.contract import DefaultEncoder
from tamis.services.evaluate.contract import Evaluate
from tamis.services.export.contract import Export
from tamis.services.finetune.contract import Finetune
from tamis.services.history.contract import (
    Checkout,
    CollectGarbage,
    Diff,
    Log,
    Prune,
    Redo,
    Tag,
    Undo,
)
from tamis.services.index.contract import Index
from tamis.services.info.contract import Info
from tamis.services.labeling.contract import FindMislabels, Propagate, Review
from tamis.services.map.contract import MakeMap
from tamis.services.outliers.contract import Outliers
from tamis.services.probe.contract import ExportProbe, PredictProbe, TrainProbe
from tamis.services.relink.contract import Relink
from tamis.services.report.contract import Report
from tamis.services.review.contract import AnswerReview
from tamis.services.scores.contract import Scores
from tamis.services.search.contract import Search
from tamis.services.select.contract import Select
from tamis.services.split.contract import Split
from tamis.services.tagging.contract import TagPictures, UntagPictures
from tamis.services.text_filter.contract import Filter
from tamis.services.watch.contract import Watch

__all__ = ["Verbs"]


class Verbs:
    """Every verb that works on a dataset, as a method."""

    add = Method(Add)
    add_crops = Method(AddCrops)
    add_tiles = Method(AddTiles)
    align = Method(Align)
    bench = Method(Bench)
    compare = Method(Compare)
    coverage = Method(Coverage)
    import_annotations = Method(Import)
    label = Method(SetLabel)
    clear_labels = Method(ClearLabels)
    tag_pictures = Method(TagPictures)
    untag_pictures = Method(UntagPictures)
    set_boxes = Method(SetBoxes)
    layers = Method(ListLayers)
    crop_objects = Method(CropObjects)
    draw_annotation = Method(DrawAnnotation)
    edit_annotation = Method(EditAnnotation)
    interpolate_boxes = Method(InterpolateBoxes)
    remove_annotations = Method(RemoveAnnotations)
    rename_class = Method(RenameClass)
    find_mislabels = Method(FindMislabels)
    propagate_labels = Method(Propagate)
    review_labels = Method(Review)
    answer_review = Method(AnswerReview)
    train_probe = Method(TrainProbe)
    predict_probe = Method(PredictProbe)
    export_probe = Method(ExportProbe)
    cluster = Method(Cluster)
    map = Method(MakeMap)
    evaluate = Method(Evaluate)
    curate = Method(Curate)
    defects_export = Method(DefectsExport)
    defects_fit = Method(DefectsFit)
    defects_score = Method(DefectsScore)
    duplicates = Method(Duplicates)
    drift_adapt = Method(DriftAdapt)
    drift_check = Method(DriftCheck)
    drift_fit = Method(DriftFit)
    embed = Method(Embed)
    filter = Method(Filter)
    finetune = Method(Finetune)
    index = Method(Index)
    outliers = Method(Outliers)
    scores = Method(Scores)
    search = Method(Search)
    select = Method(Select, round=False, simulate=False)
    select_round = Method(Select, round=True, simulate=False)
    simulate_rounds = Method(Select, round=False, simulate=True)
    split = Method(Split, audit=False)
    check_splits = Method(Split, audit=True)
    log = Method(Log)
    undo = Method(Undo)
    redo = Method(Redo)
    checkout = Method(Checkout)
    diff = Method(Diff)
    tag = Method(Tag)
    gc = Method(CollectGarbage)
    prune = Method(Prune)
    set_default_encoder = Method(DefaultEncoder)
    info = Method(Info)
    report = Method(Report)
    export = Method(Export)
    check = Method(Check)
    relink = Method(Relink)
    push = Method(Push)
    pull = Method(Pull)
    watch = Method(Watch)
