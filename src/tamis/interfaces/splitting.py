"""The part of the Python face that splits a dataset and audits splits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.interfaces.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.services.splits import Fold, SplitReport

__all__ = ["Splitting"]


class Splitting(Stored):
    """Verbs that divide pictures into splits and folds; `tamis.Dataset` has them."""

    def split(
        self,
        *,
        train: float = 0.8,
        val: float = 0.1,
        test: float = 0.1,
        folds: int | None = None,
        time: str | None = None,
        time_block: str | float | None = None,
        gap: str | float | None = None,
        block_by: str | None = None,
        group: str | Sequence[str] | None = None,
        label: str = "label",
        delimiter: str | None = None,
        where: str | None = None,
        encoder: str | None = None,
        threshold: float | None = None,
        changed: str = "auto",
        seed: int = 0,
        apply: bool = True,
    ) -> SplitReport:
        """Split so that no copy lies in two splits and each split covers every condition.

        Args:
            train: share of the training set.
            val: share of the validation set.
            test: share of the test set; the three sum to 1.
            folds: make that many folds instead, as the mark `fold`; see the method `folds`.
            time: column of times: train on the earliest pictures, test on the latest.
            time_block: keep together what one camera or video took in one block of this length,
                in seconds or as `10m`.
            gap: least time between splits; pictures that are nearer get none. A tenth of a block
                if not given.
            block_by: column of times for the blocks; the `seconds` of frames and `captured_at` of
                photographs if not given.
            group: column or columns; pictures with one value stay together.
            label: column of labels to spread, one or a list a picture.
            delimiter: what separates several labels in one text.
            where: SQL condition on the pictures to divide.
            encoder: whose vectors; the only ones if not given.
            threshold: join pictures from this cosine similarity on, whatever their pixels say.
            changed: keep changed versions of one view `together`, let them lie `apart`, or `auto`:
                together where they are rare.
            seed: the only source of chance.
            apply: set the mark.

        Raises:
            UsageError: the shares, columns or groups allow no such split; the message says which.
        """
        from tamis.services.splits import split

        return split(
            self.store,
            train=train,
            val=val,
            test=test,
            folds=folds,
            time=time,
            group=group,
            label=label,
            delimiter=delimiter,
            column=self.vector_column(encoder),
            where=where,
            threshold=threshold,
            changed=changed,
            time_block=time_block,
            gap=gap,
            block_by=block_by,
            seed=seed,
            apply=apply,
        )

    def check_splits(
        self,
        split_column: str = "split",
        *,
        group: str | Sequence[str] | None = None,
        label: str = "label",
        delimiter: str | None = None,
        where: str | None = None,
        encoder: str | None = None,
        threshold: float | None = None,
        changed: str = "auto",
        time_block: str | float | None = None,
        gap: str | float | None = None,
        block_by: str | None = None,
        seed: int = 0,
    ) -> SplitReport:
        """Audit splits, whoever made them: all pairs across them, and the leaks by name.

        Args:
            split_column: the mark that names the split, such as `split` or `fold`; `path` for the
                folders that pictures lie in.
            group: as for `split`.
            label: as for `split`.
            delimiter: as for `split`.
            where: SQL condition on the pictures to look at.
            encoder: whose vectors; the only ones if not given.
            threshold: every pair at or over this cosine similarity is a leak.
            changed: as for `split`: whether changed versions of one view are leaks.
            time_block: as for `split`; a block that lies in two splits is a leak.
            gap: as for `split`; blocks of two splits that are nearer are a leak.
            block_by: as for `split`.
            seed: draws samples and random splits.

        Raises:
            UsageError: no picture has such a split, or a column is unknown.
        """
        from tamis.services.splits import check_splits

        return check_splits(
            self.store,
            split_column=split_column,
            group=group,
            label=label,
            delimiter=delimiter,
            column=self.vector_column(encoder),
            where=where,
            threshold=threshold,
            changed=changed,
            time_block=time_block,
            gap=gap,
            block_by=block_by,
            seed=seed,
        )

    def folds(self) -> list[Fold]:
        """Return the folds that `split(folds=K)` marked: paths to train on, and those held out.

        Raises:
            UsageError: no picture has a fold.
        """
        from tamis.services.splits import folds

        return folds(self.store)
