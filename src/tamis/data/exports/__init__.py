"""Exports: folders of pictures, CSV and Parquet, written whole or not at all."""

from tamis.data.exports.export import FORMATS, ExportReport, Format, export
from tamis.data.exports.folder import MANIFESTS, Link

__all__ = ["FORMATS", "MANIFESTS", "ExportReport", "Format", "Link", "export"]
