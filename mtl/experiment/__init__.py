"""Answers the workflow's rules: the cells of an experiment, the spec of every job, what every report shows."""
