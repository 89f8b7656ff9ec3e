"""MLServer runtime for the models that workloads/trainer exports: text in, label and probabilities out."""
