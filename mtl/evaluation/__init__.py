"""Scoring a learner on stored episodes."""
