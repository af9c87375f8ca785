"""What any job needs to run, whatever it computes: device, seeds, files, progress, provenance, errors."""
