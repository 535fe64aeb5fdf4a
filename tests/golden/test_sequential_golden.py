"""Alarms of many streams and many days are those of online-fdr."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tamis.algo.sequential import (
    OnlineFalseDiscovery,
    e_benjamini_hochberg,
    wealth_for_an_alarm,
)

GOLDEN = json.loads((Path(__file__).parents[1] / "data" / "online_fdr.json").read_text())


def test_levels_and_alarms_of_p_values_are_those_of_lord_plus_plus():
    for case in GOLDEN["lord_plus_plus"]:
        days = OnlineFalseDiscovery(case["level"])
        for p, level, alarm in zip(case["p"], case["levels"], case["alarms"], strict=True):
            assert days.next_level() == pytest.approx(level, rel=1e-6)
            assert days.decide(p) == alarm
    assert sum(sum(case["alarms"]) for case in GOLDEN["lord_plus_plus"]) > 10


def test_streams_chosen_by_their_e_values_are_those_of_e_bh():
    for case in GOLDEN["e_bh"]:
        wealth = np.log(case["e"])
        assert e_benjamini_hochberg(wealth, case["level"]).tolist() == case["chosen"]
        for stream, chosen in enumerate(case["chosen"]):
            others = np.delete(wealth, stream)
            assert (wealth[stream] >= wealth_for_an_alarm(others, case["level"])) == chosen
