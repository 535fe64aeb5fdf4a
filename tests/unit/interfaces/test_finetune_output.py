"""What `tamis finetune` prints of a result."""

from __future__ import annotations

import pytest

from tamis.interfaces.cli.finetuning import _show
from tamis.interfaces.cli.output import Output
from tamis.services.finetune.contract import Epoch, Figure, Finetune, FineTuning, Measured


def report(**changes):
    figure = Figure(
        "knn", Measured(0.5, 0.4, 0.6), Measured(0.7, 0.6, 0.8), Measured(0.2, 0.1, 0.3), True, 80
    )
    facts = {
        "kept": "tuned",
        "encoder": "tuned:tuned/simclr-0a1b2c3d.onnx",
        "method": "simclr",
        "why": "training helped: labels by the nearest pictures",
        "before": {"knn": 0.5},
        "after": {"knn": 0.7},
        "figures": [figure],
        "rank_before": 61.2,
        "rank_after": 70.4,
        "trained_on": 200,
        "signal_on": 30,
        "measured_on": 80,
        "measured_in": "val split",
        "epochs": [Epoch(0, None, 0.5, 60.0), Epoch(1, 1.5, 0.6, 65.0)],
        "best": 1,
        "stopped": "",
        "resumed": 0,
        "facts": {},
        "licence": "Apache-2.0",
        "file": "x.tamis/tuned/simclr-0a1b2c3d.onnx",
        "preview": None,
        "failed": [],
        "seconds": 1.0,
    }
    return FineTuning(**facts | changes)


def shown(capsys, made):
    _show(Output(), Finetune(), made)
    return capsys.readouterr()


def test_a_new_encoder_is_shown_with_its_figures_its_name_and_its_terms(capsys):
    printed = shown(capsys, report(resumed=1))
    lines = printed.out.splitlines()
    assert lines[0] == (
        "simclr on 200 pictures, 1 epoch, best after 1; measured on 80 of the split val"
    )
    assert lines[2].split() == ["knn", "0.500", "0.700", "+0.200", "+0.100", "to", "+0.300", "yes"]
    assert lines[-1] == "encoder  tuned:tuned/simclr-0a1b2c3d.onnx"
    assert "effective rank 61 before, 70 after" in printed.out
    assert "Apache-2.0" in printed.err
    assert "tamis embed --encoder tuned:tuned/simclr-0a1b2c3d.onnx" in printed.err
    assert "went on from epoch 1" in printed.err


@pytest.mark.parametrize("stopped", ["", "the vectors collapse"])
def test_an_old_encoder_that_is_kept_is_named_in_one_sentence(capsys, stopped):
    why = "training did not help, the old encoder is kept: planted flaws"
    printed = shown(capsys, report(kept="old", why=why, stopped=stopped, measured_in=None))
    assert printed.out.splitlines()[-1] == why
    assert ("stopped early: the vectors collapse" in printed.err) == bool(stopped)
    assert "embed" not in printed.err
