"""Every verb by its name, and where the class of its request stands; nothing is loaded for it."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from tamis.errors import UsageError
from tamis.verbs.request import Request

__all__ = ["VERBS", "request_class"]

VERBS: Final[dict[str, str]] = {
    "add": "tamis.services.add.contract:Add",
    "add crops": "tamis.services.add.contract:AddCrops",
    "add tiles": "tamis.services.add.contract:AddTiles",
    "import": "tamis.services.annotate.contract:Import",
    "label import": "tamis.services.annotate.contract:LabelImport",
    "label set": "tamis.services.annotate.contract:SetLabel",
    "label clear": "tamis.services.annotate.contract:ClearLabels",
    "label crops": "tamis.services.add.contract:CropObjects",
    "label draw": "tamis.services.edit.contract:DrawAnnotation",
    "label edit": "tamis.services.edit.contract:EditAnnotation",
    "label interpolate": "tamis.services.edit.contract:InterpolateBoxes",
    "label remove": "tamis.services.edit.contract:RemoveAnnotations",
    "label rename": "tamis.services.edit.contract:RenameClass",
    "label tag": "tamis.services.tagging.contract:TagPictures",
    "label untag": "tamis.services.tagging.contract:UntagPictures",
    "label boxes": "tamis.services.edit.contract:SetBoxes",
    "label layers": "tamis.services.annotate.contract:ListLayers",
    "label mislabels": "tamis.services.labeling.contract:FindMislabels",
    "label propagate": "tamis.services.labeling.contract:Propagate",
    "label review": "tamis.services.labeling.contract:Review",
    "review": "tamis.services.review.contract:AnswerReview",
    "evaluate": "tamis.services.evaluate.contract:Evaluate",
    "embed": "tamis.services.embed.contract:Embed",
    "watch": "tamis.services.watch.contract:Watch",
    "curate": "tamis.services.curate.contract:Curate",
    "duplicates": "tamis.services.duplicates.contract:Duplicates",
    "cluster": "tamis.services.cluster.contract:Cluster",
    "map": "tamis.services.map.contract:MakeMap",
    "probe train": "tamis.services.probe.contract:TrainProbe",
    "probe predict": "tamis.services.probe.contract:PredictProbe",
    "probe export": "tamis.services.probe.contract:ExportProbe",
    "select": "tamis.services.select.contract:Select",
    "scores": "tamis.services.scores.contract:Scores",
    "outliers": "tamis.services.outliers.contract:Outliers",
    "split": "tamis.services.split.contract:Split",
    "drift fit": "tamis.services.drift.contract:DriftFit",
    "drift check": "tamis.services.drift.contract:DriftCheck",
    "drift adapt": "tamis.services.drift.contract:DriftAdapt",
    "defects fit": "tamis.services.defects.contract:DefectsFit",
    "defects export": "tamis.services.defects.contract:DefectsExport",
    "defects score": "tamis.services.defects.contract:DefectsScore",
    "finetune": "tamis.services.finetune.contract:Finetune",
    "filter": "tamis.services.text_filter.contract:Filter",
    "align": "tamis.services.align.contract:Align",
    "index": "tamis.services.index.contract:Index",
    "search": "tamis.services.search.contract:Search",
    "encoders list": "tamis.services.encoders.contract:ListEncoders",
    "bench": "tamis.services.bench.contract:Bench",
    "info": "tamis.services.info.contract:Info",
    "coverage": "tamis.services.coverage.contract:Coverage",
    "compare": "tamis.services.compare.contract:Compare",
    "report": "tamis.services.report.contract:Report",
    "export": "tamis.services.export.contract:Export",
    "check": "tamis.services.check.contract:Check",
    "push": "tamis.services.copies.contract:Push",
    "pull": "tamis.services.copies.contract:Pull",
    "relink": "tamis.services.relink.contract:Relink",
    "schema": "tamis.services.schema.contract:Schema",
    "log": "tamis.services.history.contract:Log",
    "undo": "tamis.services.history.contract:Undo",
    "redo": "tamis.services.history.contract:Redo",
    "checkout": "tamis.services.history.contract:Checkout",
    "diff": "tamis.services.history.contract:Diff",
    "tag": "tamis.services.history.contract:Tag",
    "gc": "tamis.services.history.contract:CollectGarbage",
    "prune": "tamis.services.history.contract:Prune",
    "encoders default": "tamis.services.encoders.contract:DefaultEncoder",
    "encoders check": "tamis.services.encoders.contract:CheckEncoder",
    "encoders pack": "tamis.services.encoders.contract:PackEncoder",
    "encoders export": "tamis.services.encoders.contract:ExportEncoder",
}


def request_class(verb: str) -> type[Request[Any]]:
    """Return the class of a verb's request.

    Raises:
        UsageError: there is no such verb.
    """
    if verb not in VERBS:
        raise UsageError(f"there is no verb {verb!r}; there are {', '.join(VERBS)}")
    module, _, name = VERBS[verb].partition(":")
    found: type[Request[Any]] = getattr(import_module(module), name)
    return found
