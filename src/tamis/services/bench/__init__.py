"""Bench: how fast this machine is at each step, and which one bounds."""
