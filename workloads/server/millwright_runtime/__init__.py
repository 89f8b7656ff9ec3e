"""MLServer runtime for the models workloads/trainer exports: a text or an image in, label and probabilities out."""
