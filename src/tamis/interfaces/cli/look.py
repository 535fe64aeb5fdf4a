"""What the command line prints of verbs that show or hand over what is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tamis.interfaces.cli.command import Command
from tamis.services.bench.contract import Bench
from tamis.services.check.contract import Check
from tamis.services.compare.contract import Compare
from tamis.services.coverage.contract import Coverage
from tamis.services.export.contract import Export
from tamis.services.info.contract import Info
from tamis.services.relink.contract import Relink
from tamis.services.report.contract import Report
from tamis.services.schema.contract import Schema
from tamis.wording import counted

if TYPE_CHECKING:
    from pathlib import Path

    import typer

    from tamis.interfaces.cli.output import Output
    from tamis.services.bench.contract import BenchReport
    from tamis.services.check.contract import CheckReport
    from tamis.services.compare.contract import ComparedColumn, Comparison
    from tamis.services.coverage.contract import CoverageReport
    from tamis.services.export.contract import ExportReport
    from tamis.services.info.result import InfoReport
    from tamis.services.relink.result import RelinkReport
    from tamis.services.report.contract import ReportWritten
    from tamis.services.schema.contract import SchemaReport
    from tamis.verbs.feedback import Feedback

__all__ = ["register"]

_SHOWN_GAPS = 10


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    for command in (
        Command(Info, show_info),
        Command(Report, show_report),
        Command(Export, show_export),
        Command(Coverage, show_coverage),
        Command(Compare, show_comparison),
        CheckCommand(Check, show_check),
        Command(Relink, show_relink),
        Command(Schema, show_schema, dataset=None),
        Command(Bench, show_bench, dataset=None),
    ):
        command.register(app)


def show_bench(output: Output, _request: Bench, report: BenchReport) -> None:
    """Print the steps as a table, what they add up to, and what would help."""
    output.table(
        [
            "step",
            "pictures/s, 1 worker",
            f"{report.workers} workers",
            "CPU ms a picture",
            "share",
        ],
        [
            (
                row.stage,
                f"{row.one:,.1f}",
                f"{row.all:,.1f}",
                f"{row.processor_ms:.2f}",
                f"{row.share:.0%}" if row.share else "",
            )
            for row in report.stages
        ],
    )
    output.say(
        f"{counted(report.pictures, 'picture')} of {report.megapixels:.1f} megapixels, "
        f"{report.bytes / 1e3:,.0f} KB; {report.encoder} on {report.device}, batches of "
        f"{report.batch_size}; search in {report.searched:,} vectors"
    )
    output.say(
        f"add may reach {report.add:,.0f} pictures/s, embed {report.embed:,.0f}; what bounds both "
        f"is {report.bound}"
    )
    for sentence in report.advice:
        output.say(f"- {sentence}")
    if report.failed:
        output.note(
            f"note: {counted(len(report.failed), 'picture')} could not be read; --json lists them"
        )


class CheckCommand(Command):
    """Checks a dataset that may be too damaged to be opened."""

    def answer(self, request: Check, at: Path, feedback: Feedback) -> CheckReport:
        """See `Command`."""
        from tamis.services.check.run import check_dataset_at

        return check_dataset_at(at, request, feedback)


def show_info(output: Output, _request: Info, facts: InfoReport) -> None:
    """Print counts."""
    for name in ("dataset", "samples", "failed", "duplicates", "selected", "version"):
        output.say(f"{name:<11}{facts[name]}")
    parts = {name: count for name, count in facts.kinds.items() if name != "picture"}
    if parts:
        told = [counted(count, name) for name, count in facts.kinds.items()]
        output.say(f"{'of them':<11}{', '.join(told)}")
    for name in ("labels", "unlabeled", "splits"):
        counts = facts[name]
        if isinstance(counts, dict):
            counts = "  ".join(f"{key} {count}" for key, count in counts.items()) or "-"
        output.say(f"{name:<11}{counts}")
    _show_annotations(output, facts)
    if facts.gone is not None:
        counts = "  ".join(f"{kind} {count}" for kind, count in facts.gone.items())
        output.say(f"{'gone':<11}{counts}")
    for row in facts.encoders:
        default = ", the default" if row.default and len(facts.encoders) > 1 else ""
        output.say(f"{'vectors':<11}{row.vectors} of {row.dim} by {row.encoder}{default}")
    for column, audit in (facts.indexes or {}).items():
        if audit is None:
            output.say(f"{'index':<11}none of {column}: search compares all")
            continue
        output.say(
            f"{'index':<11}{audit.rows} of {audit.total} rows of {column}, recall@10 "
            f"{audit.recall:.3f} over {audit.queries} queries, {audit.milliseconds:.1f} ms against "
            f"{audit.milliseconds_exact:.1f} ms exact"
        )


def _show_annotations(output: Output, facts: InfoReport) -> None:
    if set(facts.layers) <= {"truth"} and not facts.objects:
        return  # labels alone, which are told already
    for name in ("layers", "classes", "objects"):
        if counts := facts[name]:
            shown = "  ".join(f"{key} {count}" for key, count in counts.items())
            output.say(f"{name:<11}{shown}")
    if facts.objects and facts.annotated:
        each = sum(facts.objects.values()) / facts.annotated
        bare = facts.kinds["picture"] - facts.annotated
        output.say(f"{'annotated':<11}{facts.annotated}, {each:.1f} objects each; {bare} not")
    if facts.objects_per_picture:
        shown = "  ".join(f"{each}: {count}" for each, count in facts.objects_per_picture.items())
        output.say(f"{'in each':<11}{shown}")


def show_coverage(output: Output, _request: Coverage, found: CoverageReport) -> None:
    """Print a line a scenario, then how to fill what is lacking."""
    free = ["no split"] if found.free else []
    output.table(
        ["scenario", "value", "pictures", *found.splits, *free, "lacking in"],
        [
            (
                one.by,
                one.value,
                one.pictures,
                *one.splits.values(),
                *([one.free] * len(free)),
                ", ".join(one.lacking),
            )
            for one in found.scenarios
        ],
    )
    if found.splits:
        of = counted(len(found.scenarios), "scenario")
        output.say(f"{counted(len(found.gaps), 'gap')} among {of}")
    for gap in found.gaps[:_SHOWN_GAPS]:
        output.say(f"{gap.by} {gap.value} is lacking in {', '.join(gap.lacking)}:  {gap.command}")
    if found.encoder is not None:
        output.note(f"words by the vectors of {found.encoder}")


def show_report(output: Output, _request: Report, done: ReportWritten) -> None:
    """Print where the report is."""
    output.say(str(done.report))


def show_export(output: Output, _request: Export, result: ExportReport) -> None:
    """Print what was exported."""
    output.say(f"{result.exported} exported to {result.path}, {len(result.failed)} failed")


def show_check(output: Output, _request: Check, report: CheckReport) -> int:
    """Print what is wrong; 1 if anything is."""
    output.say(f"{counted(report.samples, 'sample')}, {counted(len(report.problems), 'problem')}")
    output.table(
        ["problem", "path", "reason"],
        [(problem.kind, problem.path, problem.reason) for problem in report.problems],
    )
    return 1 if report.problems else 0


def show_relink(output: Output, _request: Relink, report: RelinkReport) -> None:
    """Print what follows its file, and what does not."""
    output.say(
        f"{report.relinked} relinked, {report.missing} still missing, {report.changed} differ"
    )
    output.table(
        ["problem", "path", "reason"],
        [(problem.kind, problem.path, problem.reason) for problem in report.problems],
    )


def show_schema(output: Output, _request: Schema, found: SchemaReport) -> None:
    """Print the schemas as JSON."""
    output.say(json.dumps({"request": found.request, "result": found.result}, indent=2))


def show_comparison(output: Output, request: Compare, found: Comparison) -> None:
    """Print what tells the sides apart best, and where layers and encoders differ."""
    if request.a is not None:
        shared = f"; {found.both:,} of them are in both" if found.both else ""
        output.say(f"{counted(found.a, 'picture')} and {counted(found.b, 'picture')}{shared}")
        output.table(
            ["column", "effect", "p", "differs most", "first", "second"],
            [
                (
                    one.name,
                    f"{one.effect:.3f}",
                    f"{one.p_value:.2g}",
                    *_most_different(one, found.a, found.b),
                )
                for one in found.columns[:_SHOWN_GAPS]
            ],
        )
    if found.confusion:
        output.table(
            [*request.layers, "pictures"],
            [
                (one.first or "none", one.second or "none", one.count)
                for one in found.confusion[: 2 * _SHOWN_GAPS]
            ],
        )
    if found.agreement is not None:
        output.say(
            f"of a picture's {found.agreement.nearest} nearest, both encoders name "
            f"{found.agreement.shared:.0%}, on {counted(found.agreement.pictures, 'picture')}"
        )


def _most_different(one: ComparedColumn, a: int, b: int) -> tuple[str, str, str]:
    if one.median_a is not None and one.median_b is not None:
        return "median", _figure(one.median_a), _figure(one.median_b)
    most = max(one.values, key=lambda value: abs(value.a / a - value.b / b))
    return str(most.value or "none"), f"{most.a / a:.1%}", f"{most.b / b:.1%}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"  # noqa: PLR2004 - digits
