"""Answers to what a review asks of pictures; each one operation."""
