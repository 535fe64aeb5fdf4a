"""Losses of self-supervised training, each as its paper has it; vectors are rows."""

from __future__ import annotations

from typing import Final

import torch

__all__ = [
    "contrastive_loss",
    "dense_contrastive_loss",
    "prediction_loss",
    "self_distillation_loss",
    "similarity_loss",
    "variance_covariance_loss",
]

F = torch.nn.functional

_NEVER: Final = float("-inf")


def contrastive_loss(
    left: torch.Tensor, right: torch.Tensor, groups: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Return NT-Xent of two views (Chen et al. 2020, SimCLR, equation 1).

    Each view is told from all others but those of its own group, which are no negatives: frames of
    one video, copies. O(B² D).

    Args:
        left: `[B, D]`, one view of each picture.
        right: `[B, D]`, the other.
        groups: `[B]` number of the group of each picture.
        temperature: divides the cosines.
    """
    both = F.normalize(torch.cat([left, right]), dim=1)
    count = len(left)
    logits = both @ both.T / temperature
    group = groups.repeat(2)
    own = torch.arange(2 * count, device=left.device)
    partner = own.roll(count)
    excluded = group[:, None] == group[None, :]
    excluded[own, partner] = False
    return F.cross_entropy(logits.masked_fill(excluded, _NEVER), partner)


def dense_contrastive_loss(
    left: tuple[torch.Tensor, torch.Tensor],
    right: tuple[torch.Tensor, torch.Tensor],
    groups: torch.Tensor,
    temperature: float,
) -> torch.Tensor:
    """Return the contrast of places in two views (Wang et al. 2021, DenseCL, equation 3).

    A place belongs to the place of the other view whose features are most similar. Negatives are
    the mean places of the other views of other groups, of the batch at hand rather than of a queue.

    Args:
        left: features `[B, S, C]` by which places are matched, and their projections `[B, S, D]`.
        right: the same of the other view.
        groups: `[B]` number of the group of each picture.
        temperature: divides the cosines.
    """
    return 0.5 * (
        _dense_one_way(left, right, groups, temperature)
        + _dense_one_way(right, left, groups, temperature)
    )


def _dense_one_way(
    query: tuple[torch.Tensor, torch.Tensor],
    key: tuple[torch.Tensor, torch.Tensor],
    groups: torch.Tensor,
    temperature: float,
) -> torch.Tensor:
    with torch.no_grad():
        alike = F.normalize(query[0], dim=2) @ F.normalize(key[0], dim=2).transpose(1, 2)
        matched = alike.argmax(dim=2)
    places, others = F.normalize(query[1], dim=2), F.normalize(key[1], dim=2)
    taken = others.gather(1, matched[:, :, None].expand_as(places))
    positive = (places * taken).sum(dim=2)
    means = F.normalize(key[1].mean(dim=1), dim=1)
    negative = places @ means.T
    excluded = (groups[:, None] == groups[None, :])[:, None, :].expand_as(negative)
    logits = torch.cat([positive[:, :, None], negative.masked_fill(excluded, _NEVER)], dim=2)
    return -(logits / temperature).log_softmax(dim=2)[:, :, 0].mean()


def variance_covariance_loss(
    left: torch.Tensor,
    right: torch.Tensor,
    *,
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 1.0,
) -> torch.Tensor:
    """Return VICReg's loss (Bardes, Ponce and LeCun 2022, equation 6). O(B D²).

    It has no negatives: the variance of each dimension is kept above one, and dimensions are kept
    uncorrelated.

    Args:
        left: `[B, D]`, one view of each picture.
        right: `[B, D]`, the other.
        invariance: weight of the squared distance of both views.
        variance: weight of the hinge on standard deviations.
        covariance: weight of the squared covariances.
    """
    spread, shared = left.new_zeros(()), left.new_zeros(())
    for rows in (left, right):
        centred = rows - rows.mean(dim=0)
        deviation = (centred.var(dim=0) + 1e-4).sqrt()
        spread = spread + (1 - deviation).relu().mean() / 2
        squared = (centred.T @ centred / (len(rows) - 1)).pow(2)
        shared = shared + (squared.sum() - squared.diagonal().sum()) / rows.shape[1]
    return invariance * F.mse_loss(left, right) + variance * spread + covariance * shared


def prediction_loss(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return two less twice the mean cosine (Grill et al. 2020, BYOL, equation 2).

    Args:
        predicted: `[B, D]`, of the network that learns.
        target: `[B, D]`, of the slow one; no gradient flows into it.
    """
    return 2 - 2 * F.cosine_similarity(predicted, target.detach(), dim=1).mean()


def self_distillation_loss(
    student: torch.Tensor,
    teacher: torch.Tensor,
    centre: torch.Tensor,
    *,
    student_temperature: float = 0.1,
    teacher_temperature: float = 0.04,
) -> torch.Tensor:
    """Return the cross-entropy of a slow network's centered outputs (Caron et al. 2021, DINO).

    Args:
        student: `[B, K]` logits of the network that learns.
        teacher: `[B, K]` logits of the slow one, of other views; no gradient flows into them.
        centre: `[K]` running mean of the slow one's logits.
        student_temperature: divides the student's.
        teacher_temperature: divides the teacher's; lower is sharper.
    """
    target = ((teacher - centre) / teacher_temperature).softmax(dim=1).detach()
    return -(target * (student / student_temperature).log_softmax(dim=1)).sum(dim=1).mean()


def similarity_loss(
    student: torch.Tensor, teacher: torch.Tensor, temperature: float = 0.1
) -> torch.Tensor:
    """Return how far a batch's similarities are from a teacher's.

    Koohpayegani et al. 2020, CompRess, within the batch. For each picture, the Kullback-Leibler
    divergence of the softmax of its cosines to the others; the two vectors need not be of one
    length. O(B² D).

    Args:
        student: `[B, D]`.
        teacher: `[B, E]`; no gradient flows into it.
        temperature: divides the cosines.
    """
    own = torch.eye(len(student), dtype=torch.bool, device=student.device)

    def logits(rows: torch.Tensor) -> torch.Tensor:
        unit = F.normalize(rows, dim=1)
        # a picture's similarity to itself says nothing; left in, it would drown the others
        return (unit @ unit.T / temperature)[~own].view(len(rows), -1)

    target = logits(teacher).detach().log_softmax(dim=1)
    found = logits(student).log_softmax(dim=1)
    return F.kl_div(found, target, reduction="batchmean", log_target=True)
