"""Records of runs that other systems drive: one module for each system, on `HostRun` and `HostNode`.

A module translates the callbacks that its system offers into the events of a run. The system, the host of the run,
keeps its results, retries, exit codes and logs. A failure in here is logged once and never reaches the host.
"""
