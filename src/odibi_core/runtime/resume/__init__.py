"""Resuming and replaying: the frames that a run keeps, the runs that they are taken from, and the plan of a new run."""
