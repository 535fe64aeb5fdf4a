"""Boxes of detection datasets: COCO, Pascal VOC and YOLO."""

from tamis.formats.annotations.read import read_boxes
from tamis.formats.annotations.source_annotation import Annotations, SourceAnnotation

__all__ = ["Annotations", "SourceAnnotation", "read_boxes"]
