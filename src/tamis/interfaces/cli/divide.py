"""The verb that divides pictures into splits or folds, and checks those that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.interfaces.cli.command import Command
from tamis.services.split.contract import Split
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import typer

    from tamis.interfaces.cli.output import Output
    from tamis.services.split.result import Leak, SplitReport

__all__ = ["register"]

CHECK_FAILED = 1
_SHOWN_LEAKS, _SHOWN_APART, _SHOWN_LABELS = 50, 10, 30


def register(app: typer.Typer) -> None:
    """Put the verb on the command line."""
    Command(Split, _show).register(app)


def _show(output: Output, request: Split, report: SplitReport) -> int | None:
    shared = any(balance.labels_in_all for balance in report.coverage.values())
    rows = []
    for name, count in report.counts.items():
        balance, found = report.coverage[name], report.difference[name]
        row: list[object] = [name, f"{count:,}"]
        if report.targets:
            row.append(f"{count - report.targets[name]:+,}")
        if report.cuts:
            row.append(report.cuts[name])
        if shared:
            row += [f"{balance.labels} of {balance.labels_in_all}", _points(balance.label_gap)]
        row += [f"{balance.clusters} of {balance.clusters_in_all}", _points(balance.cluster_gap)]
        row += ["", ""] if found is None else [f"{found.mmd2:.1e}", f"{found.p:.3f}"]
        rows.append(row)
    columns = [report.mark, "pictures"]
    columns += ["off"] if report.targets else []
    columns += ["until"] if report.cuts else []
    columns += ["labels", "gap"] if shared else []
    output.table([*columns, "clusters", "gap", "MMD²", "p"], rows)
    if 1 < len(report.labels) <= _SHOWN_LABELS:
        output.table(
            ["label", *report.counts],
            [(label, *counts.values()) for label, counts in report.labels.items()],
        )
    if report.max_cross_similarity is not None:
        output.say(f"largest cosine similarity across splits {report.max_cross_similarity:.4f}")
    _list_pairs(output, "leak", report.leaks)
    output.say(_counted(report))
    if not report.changed_together:
        _list_pairs(output, "changed, no leak", report.changed_apart[:_SHOWN_APART])
    if report.alike:
        output.say(
            f"{counted(report.alike, 'pair across splits is')} as near by their vectors, and "
            f"different by "
            "their pixels"
        )
    output.note(
        "gap: largest difference between a share in the split and in all, in points. p: how often "
        "random splits of the same groups lie as far from the rest; a small p means unlike."
    )
    output.note(f"by the vectors of {report.encoder}")
    return CHECK_FAILED if request.audit and report.leak_count else None


def _list_pairs(output: Output, corner: str, pairs: Sequence[Leak]) -> None:
    output.table(
        [corner, "", "splits", "kind", "verdict", "score", "cosine", "differs at", "why"],
        [
            (
                pair.left,
                pair.right,
                " | ".join(pair.splits),
                pair.kind,
                pair.verdict or "",
                "" if pair.score is None else f"{pair.score:.2f}",
                "" if pair.similarity is None else f"{pair.similarity:.3f}",
                "" if pair.region is None else "{},{} {}x{}".format(*pair.region["left"]),
                pair.reason,
            )
            for pair in pairs[:_SHOWN_LEAKS]
        ],
    )


def _counted(report: SplitReport) -> str:
    """How many leaks there are, of which kinds, and what is no leak."""
    changed = report.changed + report.undecided
    kinds = {
        "copies": report.copies,
        "changed": report.changed if report.changed_together else 0,
        "undecided": report.undecided if report.changed_together else 0,
    }
    kinds["other"] = report.leak_count - sum(kinds.values())
    of = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
    said = counted(report.leak_count, "leak") + (f": {of}" if of else "")
    if changed and not report.changed_together:
        said += f"; {counted(changed, 'pair across splits')} of changed versions, no leaks"
    return said


def _points(share: float) -> str:
    return f"{100 * share:.1f}"
