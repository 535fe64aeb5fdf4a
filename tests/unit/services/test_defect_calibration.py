"""What held-out figures of several experts say: one threshold that serves all of them."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.services.defects.calibration import Calibration
from tamis.services.defects.contract import DefectsFit
from tamis.services.defects.nominal import NominalSet
from tamis.services.defects.rows import PictureRow

RATE = 0.05


def calibrated(figures, groups=None, **options):
    count = len(figures)
    names = [f"{at:032x}" for at in range(count)]
    rows = [PictureRow(name, f"{name}.png", "", "", name, 64, 64) for name in names]
    nominal = NominalSet.of(rows, np.arange(count) if groups is None else groups, 0)
    return Calibration(nominal, np.arange(count), figures, DefectsFit(rate=RATE, **options))


def called(found, figures):
    scaled = [scale.scaled(column) for scale, column in zip(found.scales, figures.T, strict=True)]
    return float(np.mean(np.max(scaled, axis=0) > found.threshold.value))


TAILS = {
    "alike": lambda rng, count: rng.normal(size=(count, 3)),
    "of different length": lambda rng, count: np.stack(
        [
            np.exp(rng.normal(size=count)),
            rng.gumbel(size=count),
            rng.normal(size=count),
        ],
        axis=1,
    ),
}


@pytest.fixture(scope="module", params=TAILS)
def many(request):
    """Shares called anomalous: of new nominal pictures, and of flaws that one expert sees.

    A flaw is such that its expert alone, given a third of the rate, would see four of five.
    """
    drawn, rng = TAILS[request.param], np.random.default_rng(0)
    typical = drawn(rng, 100_000)
    flaw = np.quantile(typical, 1 - RATE / 3, axis=0) - np.quantile(typical, 0.2, axis=0)
    shares = []
    for _ in range(30):
        found = calibrated(drawn(rng, 60))
        flawed = [drawn(rng, 60) + flaw * (np.arange(3) == expert) for expert in range(3)]
        shares.append([called(found, one) for one in (drawn(rng, 200), *flawed)])
    return np.mean(shares, axis=0)


def test_false_alarms_are_about_as_frequent_as_stated(many):
    # 30 thresholds, each of 60 pictures: the standard error of the mean is .005
    assert 0.6 * RATE < many[0] < 1.3 * RATE


def test_no_expert_is_silenced_by_the_long_tail_of_another(many):
    # on a scale of median deviations the third sees .13 where tails differ
    assert many[1:].min() > 0.4


def test_a_part_does_not_widen_the_scale_by_which_its_own_pictures_are_scored():
    figures = np.random.default_rng(1).normal(size=(40, 1))
    groups = np.arange(40) // 2
    figures[:2] = 4.0
    alone = calibrated(figures, groups)
    rest = calibrated(figures[2:], groups[2:])
    expected = [rest.scales[0].scaled(figures[:2, 0])]
    np.testing.assert_allclose(alone.held[:2], expected[0])
    assert alone.scores[0] < alone.held[0]


def test_pictures_set_aside_as_flawed_do_not_widen_the_scale():
    clean = np.random.default_rng(2).normal(size=(80, 2))
    flawed = np.full((20, 2), 30.0)
    found = calibrated(np.concatenate([clean, flawed]), contamination=0.2)
    assert found.scales == calibrated(clean).scales
    assert found.threshold.value == calibrated(clean).threshold.value
    assert [int(one.sample_id, 16) for one in found.suspects()] == list(range(80, 100))


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_few_pictures_give_a_finite_threshold(count):
    found = calibrated(np.random.default_rng(3).normal(size=(count, 2)))
    assert found.threshold.value == found.held.max() == found.scores.max()
    assert not found.threshold.holds
