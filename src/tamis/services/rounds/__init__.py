"""Rounds of labelling: what to label next after the labels so far, and what rounds would bring."""

from tamis.services.rounds.round import Round, select_round
from tamis.services.rounds.simulation import Simulation, simulate_rounds

__all__ = ["Round", "Simulation", "select_round", "simulate_rounds"]
