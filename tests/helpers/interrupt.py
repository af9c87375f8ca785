"""Interrupts a stage in the middle."""

import os
import signal

from mtl.training.checkpoint import Checkpoint


def interrupt_after(monkeypatch, iterations):
    """Makes the next stage save its state and stop after this many iterations."""
    offer, left = Checkpoint.offer, [iterations]

    def counted(self, state):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        offer(self, state)

    monkeypatch.setattr(Checkpoint, "offer", counted)
