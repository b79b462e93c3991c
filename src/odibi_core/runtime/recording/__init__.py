"""Recording of unmodified scripts and notebook cells: statements that make or change frames are steps of a run."""
