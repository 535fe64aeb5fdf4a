"""Small flaws: models of what nominal pictures look like at each place, and how far others are."""

from __future__ import annotations

from tamis.algo.defects.brightness import LARGEST_GAIN, at_brightness, brightness_of, gained
from tamis.algo.defects.conformal_threshold import (
    ConformalThreshold,
    conformal_threshold,
    fewest_for,
    group_scores,
    implied_rate,
)
from tamis.algo.defects.linear_maps import gaussian_matrix, pooling_matrix, resize_matrix
from tamis.algo.defects.localization import Localization, area_under_curve, localization
from tamis.algo.defects.more_patches import with_more
from tamis.algo.defects.mutual import mutual_distances
from tamis.algo.defects.patch_model import (
    MODELS,
    MemoryBank,
    ModelName,
    Moments,
    PatchModel,
    Residual,
    fit_patch_model,
)
from tamis.algo.defects.patches import POOLED, joined_levels, pooled_level
from tamis.algo.defects.planted_flaws import FLAWS, FlawName, PlantedFlaw, plant_flaw
from tamis.algo.defects.regions import Region, regions_of
from tamis.algo.defects.score_map import Scale, heat_map, highest_count, highest_mean, smoothed
from tamis.algo.defects.trusted import cross_distances, lowest_share, suspects

__all__ = [
    "FLAWS",
    "LARGEST_GAIN",
    "MODELS",
    "POOLED",
    "ConformalThreshold",
    "FlawName",
    "Localization",
    "MemoryBank",
    "ModelName",
    "Moments",
    "PatchModel",
    "PlantedFlaw",
    "Region",
    "Residual",
    "Scale",
    "area_under_curve",
    "at_brightness",
    "brightness_of",
    "conformal_threshold",
    "cross_distances",
    "fewest_for",
    "fit_patch_model",
    "gained",
    "gaussian_matrix",
    "group_scores",
    "heat_map",
    "highest_count",
    "highest_mean",
    "implied_rate",
    "joined_levels",
    "localization",
    "lowest_share",
    "mutual_distances",
    "plant_flaw",
    "pooled_level",
    "pooling_matrix",
    "regions_of",
    "resize_matrix",
    "smoothed",
    "suspects",
    "with_more",
]
