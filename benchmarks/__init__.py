"""Times the course's code against the usual ways, and against what the hardware can do."""
