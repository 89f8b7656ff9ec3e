"""The recorder: the one container of a run's pod that may talk to the cluster, and all it writes is the run's record."""
