"""The one container of a run's pod that may talk to the cluster; all it writes is the run's record."""
