"""Boxes of detection datasets: COCO, Pascal VOC and YOLO."""

from tamis.data.annotations.boxes import Annotations, BoxAnnotation
from tamis.data.annotations.read import read_annotations

__all__ = ["Annotations", "BoxAnnotation", "read_annotations"]
