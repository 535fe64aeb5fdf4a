"""Whether pictures have drifted from a reference, how much, and what changed."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from tamis.pages.page import require_page
from tamis.services.drift.batch import batch_of
from tamis.services.drift.comparison import Settings, compare
from tamis.services.drift.monitor import past_checks, watch_batch
from tamis.services.drift.page import Page, write_page
from tamis.services.drift.reference import find_reference
from tamis.verbs.command_line import dataset_words
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.runtime.workspace import Workspace
    from tamis.services.drift.batch import Batch
    from tamis.services.drift.comparison import Comparison
    from tamis.services.drift.contract import DriftCheck
    from tamis.services.drift.reference import Reference
    from tamis.services.drift.result import DriftReport
    from tamis.verbs.feedback import Feedback

__all__ = ["check"]


def check(
    workspace: Workspace | None, request: DriftCheck, feedback: Feedback = SILENT
) -> DriftReport:
    """Compare pictures with a reference; the dataset is not changed.

    The decision is about vectors and covariates together, at one level
    (`tamis.algo.drift.decide_drift`); clusters, harm and magnitude explain it and never decide.
    About two seconds for 10,000 pictures on either side, once they are embedded.

    Raises:
        UsageError: there is no reference, the batch has fewer than 20 draws, or no vectors of the
            reference's encoder.
        InputError: a source or the reference cannot be read.
        EncoderError: the encoder is not the reference's any more.
        ConflictError: another check adds to the running e-value now.
        StorageError: the disk refuses.
    """
    reference = find_reference(workspace, request.reference)
    assert reference.path is not None
    if request.gallery is not None:
        require_page(request.gallery)
    settings = Settings(
        level=request.level,
        permutations=request.permutations,
        examples=request.examples,
        covariates=request.covariates,
        seed=request.seed,
    )
    with batch_of(workspace, request, reference, feedback) as batch:
        found = compare(reference, batch.side, settings, workspace)
        commands: list[str] = []
        if found.report.drift:
            commands = _commands(workspace, request, reference, found.labels)
        report = replace(
            found.report,
            select=commands,
            failed=batch.failed,
            notes=[*batch.notes, *found.report.notes],
            gallery=None if request.gallery is None else str(request.gallery),
        )
        if request.monitor:
            report = _watched(reference, batch, found, report)
        if request.gallery is not None:
            usual = None if workspace is None else workspace.samples
            past = past_checks(reference.path) if request.monitor else ()
            page = Page(reference, batch, found, report, usual, past)
            write_page(page, request.gallery)
    return report


def _watched(
    reference: Reference, batch: Batch, found: Comparison, report: DriftReport
) -> DriftReport:
    """Add the batch to the running e-value, and what that says to the report."""
    watched = watch_batch(reference, batch.side, found.blocks, ~found.own, report)
    notes = list(report.notes)
    if watched.again:
        notes.append(
            f"{watched.again} pictures were counted in the running e-value by an earlier check, "
            "and count once"
        )
    return replace(report, e_value=watched.e_value, alarms=watched.alarms, notes=notes)


def _commands(
    workspace: Workspace | None,
    request: DriftCheck,
    reference: Reference,
    labels: Sequence[str],
) -> list[str]:
    """Return the commands that select the pictures to label; new ones are added first."""
    # in double quotes, which shells and people read more easily; ids need no quoting
    quoted = ", ".join(f"'{name}'" for name in labels)
    condition = f"sample_id IN ({quoted})"
    at = [] if workspace is None else dataset_words(workspace.path)
    lines = []
    if request.sources:
        every = [] if request.every is None else ["--every", f"{request.every}"]
        exclude = [word for one in request.exclude for word in ("--exclude", one)]
        lines = [
            ["tamis", "add", *request.sources, *every, *exclude, *at],
            ["tamis", "embed", "--encoder", reference.facts.encoder, *at],
        ]
    chosen = ["tamis", "select", str(len(labels)), *at]
    return [
        *(shlex.join(line) for line in lines),
        f'{shlex.join(chosen)} --include "{condition}"',
    ]
