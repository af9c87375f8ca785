"""How a job runs, whatever it computes: device, seeds, files, progress, provenance, errors."""
