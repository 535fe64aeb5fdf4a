"""Exports: folders of pictures, CSV and Parquet, written whole or not at all."""

from tamis.formats.exports.export import FORMATS, ExportReport, Format, export
from tamis.formats.exports.folder import MANIFESTS, Link

__all__ = ["FORMATS", "MANIFESTS", "ExportReport", "Format", "Link", "export"]
