"""Exports: folders of pictures, CSV and Parquet, written whole or not at all."""

from tamis.formats.exports.export import FORMATS, ExportReport, export
from tamis.formats.exports.folder import MANIFESTS, Link

__all__ = ["FORMATS", "MANIFESTS", "ExportReport", "Link", "export"]
