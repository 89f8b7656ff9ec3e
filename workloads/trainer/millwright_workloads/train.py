"""One worker of the training stage, started by torchrun through `train_worker`; `launch` starts torchrun and decides what
its end means."""

from __future__ import annotations

import json
import os
import signal
import time
import traceback
from datetime import timedelta
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from . import processes
from .checkpoint import read_state, write_state
from .contract import (
    EXIT_GROUP_LOST,
    EXIT_INTERRUPTED,
    LOG_FILE,
    MODEL_FOLDER,
    NETWORK_FOLDER,
    Log,
    Surroundings,
    WorkloadFailure,
    bad_data,
    digest,
    finish,
    read_spec,
    write_progress,
)
from .items import dataset_run
from .learner import Learner, Plan, averaged
from .metrics import accuracy, macro_f1, majority
from .modelling import Prepared, export_model, logits_of, parameter_count, save_network
from .retention import is_done
from .start import start
from .story import Story, begin_story, forget, read_story, write_story
from .training_spec import TrainingSpec

COLLECTIVE_SECONDS = 60
"""A worker that does not answer for so long counts as lost. One that died is noticed at once."""

_EVALUATION_BATCH = 256
_PROGRESS_SECONDS = 1.0


class Interrupted(Exception):
    """SIGTERM came; everything worth keeping is in the checkpoint."""


class Training:
    """Training of one run by one worker of its group, from wherever an earlier try left it."""

    def __init__(self, place: Surroundings) -> None:
        self.place = place
        self.spec = TrainingSpec.of(read_spec(place.spec), place.run, place.workers)
        self.writes = place.worker == 0
        self.log = Log(place.output / LOG_FILE if self.writes else None)
        self.interrupted = False

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._on_signal)
        story = read_story(self.place.checkpoint, self.spec.determinant)
        if story is None or not story.complete or not is_done(self.place.checkpoint, self.spec.epochs):
            story = self._train_in_group(story)
        if self.writes:
            self._conclude(story)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.interrupted = True

    def _train_in_group(self, story: Story | None) -> Story:
        try:
            # Fails, too, where the others are still of a group that another worker's loss is just ending.
            dist.init_process_group("gloo", timeout=timedelta(seconds=COLLECTIVE_SECONDS))
            return self._train(story)
        except RuntimeError as error:
            if self.interrupted:
                raise Interrupted from error
            if _speaks_of_the_group(error):
                raise WorkloadFailure(EXIT_GROUP_LOST, f"worker {self.place.worker} lost its group: {error}") from error
            raise
        finally:
            if dist.is_initialized():
                dist.destroy_process_group()

    def _train(self, story: Story | None) -> Story:
        learner, data = self._begin("train", "validation")
        held_out = slice(self.place.worker, None, self.place.workers)
        held_inputs, held_targets = data.inputs["validation"][held_out], data.targets["validation"][held_out]
        validation = len(data.targets["validation"])

        state = read_state(self.place.checkpoint, self.spec.determinant, self.log)
        if state is not None:
            learner.restore(state)
        self._agree_on_start(learner)
        story = story or begin_story(self.spec.determinant)
        if state is not None:
            story.restarts += 1
            self.log(f"going on from the checkpoint after {learner.steps_done} of {learner.plan.steps} steps")
        elif self.spec.base is not None:
            self.log(f"starting from the weights of {self.spec.base.run}")
        if self.writes:
            write_story(self.place.checkpoint, story)
        self.log(
            f"worker {self.place.worker} of {self.place.workers}: {learner.plan.items} items, "
            f"{parameter_count(learner.network)} weights, PyTorch {torch.__version__}, {torch.get_num_threads()} threads"
        )

        forward = DistributedDataParallel(learner.network)
        keeper = Keeper(self, learner)
        try:
            while learner.epoch < self.spec.epochs:
                self._epoch(learner, forward, data.inputs["train"], data.targets["train"], keeper)
                right, loss = self._validate(learner, held_inputs, held_targets)
                self._end_epoch(learner, right / validation, loss / validation)
                keeper.keep()
        except (Interrupted, RuntimeError):
            # The state is that of the last whole step, also when a lost worker broke this one off.
            keeper.keep()
            raise
        if self.writes:
            story.complete = True
            write_story(self.place.checkpoint, story)
        # No worker leaves before the others could go on without it.
        dist.barrier()
        return story

    def _epoch(
        self, learner: Learner, forward: DistributedDataParallel, inputs: Tensor, targets: Tensor, keeper: Keeper
    ) -> None:
        learner.network.train()
        started, first, total = time.monotonic(), learner.step, 0.0
        for batch in learner.plan.batches(learner.epoch, self.place.worker, learner.step):
            if self.interrupted:
                raise Interrupted
            total += learner.learn(forward, inputs[batch], targets[batch])
            keeper.after_step()
        steps = learner.step - first
        if steps:
            self.log(
                f"epoch {learner.epoch + 1} of {self.spec.epochs}: {steps} steps in {time.monotonic() - started:.1f} s"
                f", training loss {total / steps:.4f}"
            )

    def _validate(self, learner: Learner, inputs: Tensor, targets: Tensor) -> tuple[float, float]:
        """Right answers and summed loss over the whole validation split, of which each worker takes its share."""
        sums = torch.zeros(2, dtype=torch.float64)
        with averaged(learner.network, learner.average) as network, torch.no_grad():
            for start in range(0, len(inputs), _EVALUATION_BATCH):
                part = slice(start, start + _EVALUATION_BATCH)
                logits = network(inputs[part])
                sums[0] += (logits.argmax(1) == targets[part]).sum()
                sums[1] += functional.cross_entropy(logits, targets[part], reduction="sum")
        dist.all_reduce(sums)
        return float(sums[0]), float(sums[1])

    def _end_epoch(self, learner: Learner, accuracy_: float, loss: float) -> None:
        better = learner.end_epoch(accuracy_, loss)
        self.log(
            f"epoch {learner.epoch} of {self.spec.epochs}: validation accuracy {accuracy_:.4f}, loss {loss:.4f}"
            f"{', the best so far' if better else ''}"
        )

    def _conclude(self, story: Story) -> None:
        """What worker 0 does alone when training is complete: one look at the test split, the export, the result."""
        place, spec = self.place, self.spec
        state = read_state(place.checkpoint, spec.determinant)
        if state is None or state["epoch"] < spec.epochs:
            raise bad_data(f"{place.checkpoint}: training is complete, but its state is gone; remove the folder")
        learner, data = self._begin("train", "validation", "test")
        train, test = data.items["train"], data.items["test"]
        learner.restore(state)
        best = learner.best
        assert best is not None, "an epoch is at least validated once"
        self._say(learner, "evaluating")

        truth = [item.label for item in test]
        with averaged(learner.network, best.weights) as network:
            found = logits_of(network, data.inputs["test"], _EVALUATION_BATCH).argmax(1)
            answers = [spec.labels[at] for at in found.tolist()]
            simplest, simple = majority(train, test), data.task.simple_answers(train, test)
            metrics = {
                "testAccuracy": accuracy(truth, answers),
                "testF1": macro_f1(truth, answers),
                "validationAccuracy": best.accuracy,
                "validationLoss": best.loss,
                "bestEpoch": best.epoch,
                "majorityAccuracy": accuracy(truth, simplest),
                "majorityF1": macro_f1(truth, simplest),
                "simpleAccuracy": accuracy(truth, simple),
                "simpleF1": macro_f1(truth, simple),
            }
            self._stop_if_interrupted()
            folder, kept = place.output / MODEL_FOLDER, place.output / NETWORK_FOLDER
            save_network(kept, network, data, spec)
            export_model(folder, network, data, place.run)
        rounded = {name: round(value, 6) for name, value in metrics.items()}
        self.log(f"test metrics: {json.dumps(rounded)}")
        self._stop_if_interrupted()
        finish(
            place,
            folder,
            {
                "seconds": round(time.time() - story.began, 3),
                "network": digest(kept),
                "dataset": dataset_run(place.input),
                "metrics": rounded,
                "steps": learner.plan.steps,
                "epochs": spec.epochs,
                "restarts": story.restarts,
                "workers": place.workers,
            },
        )
        if spec.retention.removes_when_done:
            forget(place.checkpoint)

    def _begin(self, *splits: str) -> tuple[Learner, Prepared]:
        """The learner before its first step, and the splits, the training split among them."""
        spec, place = self.spec, self.place
        network, data = start(spec, place, splits)
        plan = Plan(len(data.items["train"]), place.workers, spec.batch, spec.epochs, spec.rate, spec.seed)
        return Learner(network, plan, place.worker), data

    def _agree_on_start(self, learner: Learner) -> None:
        """Each worker reads the checkpoint by itself; on a file store that lags one could see an older one."""
        done = torch.tensor([learner.steps_done, -learner.steps_done])
        dist.all_reduce(done, op=dist.ReduceOp.MAX)
        if int(done[0]) != -int(done[1]):
            raise WorkloadFailure(
                EXIT_GROUP_LOST, f"the workers see checkpoints of steps {-int(done[1])} to {int(done[0])}; trying again"
            )

    def _stop_if_interrupted(self) -> None:
        if self.interrupted:
            raise Interrupted

    def _say(self, learner: Learner, message: str) -> None:
        plan = learner.plan
        epoch = min(learner.epoch + 1, plan.epochs)
        write_progress(self.place, learner.steps_done, plan.steps, epoch, plan.epochs, message)


class Keeper:
    """Writes checkpoints and progress when they are due and there is something new; only worker 0 does."""

    def __init__(self, training: Training, learner: Learner) -> None:
        self._training = training
        self._learner = learner
        self._kept_at = self._told_at = time.monotonic()
        self._kept_step = learner.steps_done

    def after_step(self) -> None:
        now = time.monotonic()
        if now - self._kept_at >= self._training.spec.checkpoint_seconds:
            self.keep()
        if self._training.writes and now - self._told_at >= _PROGRESS_SECONDS:
            self._told_at = now
            self._training._say(self._learner, "training")

    def keep(self) -> None:
        if not self._training.writes or not self._learner.whole or self._learner.steps_done == self._kept_step:
            return
        place, spec = self._training.place, self._training.spec
        write_state(place.checkpoint, spec.determinant, self._learner.state(), spec.retention.last)
        self._kept_at = time.monotonic()
        self._kept_step = self._learner.steps_done
        self._training.log(f"checkpoint after {self._learner.steps_done} steps")


def _speaks_of_the_group(error: RuntimeError) -> bool:
    text = str(error).lower()
    return any(word in text for word in ("gloo", "connection", "timed out", "timeout", "peer", "store", "socket"))


def main() -> int:
    """The exit code; what it means is told to the launcher by a note, since torchrun makes 1 of every other."""
    try:
        Training(Surroundings.of(os.environ)).run()
    except Interrupted:
        return EXIT_INTERRUPTED
    except WorkloadFailure as failure:
        processes.report_failure(failure)
        return failure.code
    except Exception as error:
        # A fault of the code or the machine, which the launcher must tell from a process that was killed.
        traceback.print_exc()
        processes.report_failure(WorkloadFailure(1, f"{type(error).__name__}: {error}"))
        return 1
    processes.report_done()
    return 0
