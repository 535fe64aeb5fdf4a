"""Boxes of detection datasets: COCO, Pascal VOC and YOLO."""

from tamis.formats.annotations.boxes import Annotations, BoxAnnotation
from tamis.formats.annotations.read import read_annotations

__all__ = ["Annotations", "BoxAnnotation", "read_annotations"]
