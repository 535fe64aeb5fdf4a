"""What losses must do beyond what lightly computes: groups, places, gradients."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs tamis[ssl]")

from tamis.training.losses import (  # noqa: E402
    contrastive_loss,
    dense_contrastive_loss,
    prediction_loss,
    self_distillation_loss,
    similarity_loss,
    variance_covariance_loss,
)


def rows(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_definition(left, right, groups, temperature):
    """Each view's cross-entropy, over its partner and the views of other groups alone."""
    views = [one / one.norm() for one in torch.cat([left, right])]
    group, count, total = groups.tolist() * 2, len(left), 0.0
    for own, view in enumerate(views):
        partner = (own + count) % (2 * count)
        rivals = [k for k in range(2 * count) if group[k] != group[own]]
        scores = torch.stack([view @ views[k] / temperature for k in [partner, *rivals]])
        total -= float(scores.log_softmax(dim=0)[0])
    return total / (2 * count)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=7), st.integers(0, 99), st.floats(0.1, 1.0))
def test_members_of_a_group_are_never_negatives_of_each_other(groups, seed, temperature):
    left, right = rows(seed, len(groups), 4), rows(seed + 100, len(groups), 4)
    found = contrastive_loss(left, right, torch.tensor(groups), temperature)
    wanted = by_definition(left, right, torch.tensor(groups), temperature)
    assert float(found) == pytest.approx(wanted, abs=1e-9)


def test_a_batch_of_one_group_has_no_contrast():
    left, right = rows(0, 4, 3), rows(1, 4, 3)
    assert float(contrastive_loss(left, right, torch.zeros(4), 0.2)) == pytest.approx(0)
    features = (rows(2, 4, 5, 3), rows(3, 4, 5, 2))
    assert float(dense_contrastive_loss(features, features, torch.zeros(4), 0.2)) == pytest.approx(
        0
    )


def test_order_of_pictures_changes_no_loss():
    left, right, groups = rows(0, 6, 4), rows(1, 6, 4), torch.tensor([0, 0, 1, 2, 3, 3])
    order = torch.tensor([3, 1, 5, 0, 4, 2])
    for loss in (
        lambda a, b, g: contrastive_loss(a, b, g, 0.2),
        lambda a, b, _g: variance_covariance_loss(a, b),
        lambda a, b, _g: prediction_loss(a, b),
        lambda a, b, _g: similarity_loss(a, b),
    ):
        turned = loss(left[order], right[order], groups[order])
        torch.testing.assert_close(loss(left, right, groups), turned)


def test_places_are_matched_by_their_features_not_by_their_position():
    features, projected = rows(0, 3, 6, 8), rows(1, 3, 6, 4)
    order = torch.tensor([5, 3, 0, 1, 4, 2])
    groups = torch.arange(3)
    one = dense_contrastive_loss((features, projected), (features, projected), groups, 0.2)
    other = (features[:, order], projected[:, order])
    torch.testing.assert_close(
        one, dense_contrastive_loss((features, projected), other, groups, 0.2)
    )
    # places that are alike by projection cost less than strangers
    strange = (features, rows(9, 3, 6, 4))
    assert one < dense_contrastive_loss((features, projected), strange, groups, 0.2)


def test_variance_is_wanted_and_a_collapsed_batch_costs():
    spread = rows(0, 64, 4) * 2
    same = torch.ones(64, 4, dtype=torch.float64)
    assert float(variance_covariance_loss(same, same)) == pytest.approx(25 * (1 - 1e-2))
    assert variance_covariance_loss(spread, spread) < 3


def test_a_prediction_that_is_right_costs_nothing_and_teaches_the_target_nothing():
    predicted, target = rows(0, 4, 3).requires_grad_(), rows(0, 4, 3).requires_grad_()
    loss = prediction_loss(predicted, target)
    assert float(loss.detach()) == pytest.approx(0, abs=1e-12)
    loss.backward()
    assert target.grad is None


def test_centering_takes_away_what_all_pictures_share():
    student, teacher = torch.zeros(4, 3, dtype=torch.float64), rows(0, 4, 3)
    assert float(self_distillation_loss(student, teacher, teacher[0])) == pytest.approx(math.log(3))
    shared = torch.tensor([5.0, -1.0, 2.0], dtype=torch.float64)
    one = self_distillation_loss(teacher, teacher, torch.zeros(3))
    torch.testing.assert_close(one, self_distillation_loss(teacher, teacher + shared, shared))


def test_similarities_need_no_common_width_and_no_common_axes():
    teacher = rows(0, 6, 3)
    turn, _ = torch.linalg.qr(rows(1, 3, 3))
    wide = torch.cat([teacher @ turn * 7, torch.zeros(6, 2, dtype=torch.float64)], dim=1)
    assert float(similarity_loss(wide, teacher)) == pytest.approx(0, abs=1e-9)
    assert similarity_loss(rows(2, 6, 5), teacher) > 0.1
