"""What a student learns from a teacher (Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network",
2015)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def distillation_loss(
    student: Tensor, teacher: Tensor, truth: Tensor, temperature: float, weight: float, label_smoothing: float
) -> Tensor:
    """weight * T^2 * KL(softmax(teacher / T) || softmax(student / T)) + (1 - weight) * cross-entropy with the labels.

    `student` and `teacher` are logits [n, classes], `truth` is int64 [n]. T^2 makes up for the gradients of softened
    answers, which shrink with 1 / T^2 (section 2 of the paper), so that `weight` means the same at every temperature.
    The paper's cross-entropy and the divergence differ by the teacher's entropy, which no student changes.
    """
    softened = functional.kl_div(
        functional.log_softmax(student / temperature, 1),
        functional.softmax(teacher / temperature, 1),
        reduction="batchmean",
    )
    hard = functional.cross_entropy(student, truth, label_smoothing=label_smoothing)
    return weight * temperature**2 * softened + (1 - weight) * hard
