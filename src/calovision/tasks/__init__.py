"""What is learned: losses, optimisers, schedules and the runs that carry them out."""
