"""Runs MLflow's server on PostgreSQL; the package's entry is `python -m millwright_tracking`."""
