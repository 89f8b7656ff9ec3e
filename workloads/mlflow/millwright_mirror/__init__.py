"""Keeps MLflow in step with the records of runs: everything a record says is in MLflow, once."""
