"""AdamW takes the steps that PyTorch's own takes."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs tamis[ssl]")

from tamis.training.adam import AdamW  # noqa: E402


def test_the_first_step_is_the_rate_whatever_the_slope():
    weights = torch.nn.Parameter(torch.zeros(3))
    weights.grad = torch.tensor([3.0, -0.001, 0.0])
    AdamW([weights], [2.0]).step(0.01)
    torch.testing.assert_close(
        weights.detach(), torch.tensor([-0.02, 0.02, 0.0]), atol=1e-6, rtol=0
    )


@pytest.mark.nightly  # PyTorch's own loads its compiler
def test_steps_are_those_of_pytorch():
    drawn = torch.Generator().manual_seed(0)
    start = [torch.randn(shape, generator=drawn) for shape in ((3, 4), (5,), (2, 2))]
    ours, theirs = ([torch.nn.Parameter(one.clone()) for one in start] for _ in range(2))
    mine = AdamW(ours, [1.0, 10.0, 1.0])
    reference = torch.optim.AdamW(
        [{"params": [theirs[0], theirs[2]], "lr": 0.01}, {"params": [theirs[1]], "lr": 0.1}],
        weight_decay=1e-4,
    )
    for step in range(5):
        for one, other in zip(ours, theirs, strict=True):
            slope = torch.randn(one.shape, generator=drawn)
            one.grad, other.grad = slope.clone(), slope
        if step == 2:  # a weight that took no part is left alone
            ours[2].grad = theirs[2].grad = None
        mine.step(0.01)
        reference.step()
        assert ours[0].grad is None
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)
