"""The report: one self-contained HTML page on a dataset."""

from tamis.services.report.collect import collect
from tamis.services.report.contents import ReportData
from tamis.services.report.render import render
from tamis.services.report.write import write_report

__all__ = ["ReportData", "collect", "render", "write_report"]
