"""Training: settings, batches, the loop, devices, processes and run directories."""
