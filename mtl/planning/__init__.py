"""What an experiment will cost before anything of it runs."""
