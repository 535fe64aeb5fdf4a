"""What to label next, and how representative and how unique each picture is."""

from tamis.services.selection.quotas import parse_quotas
from tamis.services.selection.scores import ScoreReport, score
from tamis.services.selection.selecting import Pick, Selection, select

__all__ = ["Pick", "ScoreReport", "Selection", "parse_quotas", "score", "select"]
