"""Tables and figures from evaluations and histories; imports no torch."""
