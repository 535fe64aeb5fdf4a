"""What the report says of drift: the reference, and the checks against it over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.dataset.log_reading import last
from tamis.dataset.operations import DriftFitted
from tamis.errors import InputError
from tamis.services.drift.monitor import past_checks
from tamis.services.drift.page import distance_chart, evidence_chart
from tamis.services.drift.reference import Reference
from tamis.services.report.contents import DriftChecks, Figure
from tamis.wording import counted

if TYPE_CHECKING:
    from tamis.dataset.store import Store

__all__ = ["drift_checks"]


def drift_checks(store: Store) -> DriftChecks | None:
    """Return what was found against the last reference; None where there is none to read."""
    made = last(store.log(), DriftFitted)
    if made is None:
        return None
    path = store.path / made.reference
    try:
        reference, past = Reference.read(path), past_checks(path)
    except InputError:
        return None
    figures = [
        Figure(
            "reference",
            f"{len(reference.ids):,}",
            f"pictures by {reference.facts.encoder}, which later ones are compared with",
        ),
        Figure("checks", f"{len(past):,}", "that counted new pictures"),
    ]
    if not past:
        return DriftChecks(tuple(figures), ())
    latest = past[-1]
    drifted, alarms = (
        sum(flags) for flags in zip(*((c.drift, c.alarm) for c in past), strict=True)
    )
    figures += [
        Figure("pictures", f"{latest.pictures:,}", "that were counted, each once"),
        Figure("drift", f"{drifted:,}", f"of {counted(len(past), 'check')} decided that there is"),
        Figure("alarms", f"{alarms:,}", "checks in which the running e-value raised one"),
        Figure("latest", f"p = {latest.p_value:.3g}", f"running e-value {latest.e_value:.3g}"),
    ]
    charts = (evidence_chart(past, reference.facts.level), distance_chart(past))
    return DriftChecks(tuple(figures), charts)
