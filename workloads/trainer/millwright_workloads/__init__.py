"""Millwright's workloads: what runs inside the dataset and training Jobs. CONTRACT.md describes their interface."""
