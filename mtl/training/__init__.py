"""Pre-training of the network and meta-training of a learner."""
