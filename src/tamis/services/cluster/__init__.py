"""Clusters of pictures to look at and to label."""
