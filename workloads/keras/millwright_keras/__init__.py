"""The training stage with Keras on TensorFlow, beside the trainer's with PyTorch: the same contract, another image."""
