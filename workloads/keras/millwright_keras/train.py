"""The training stage: one process, from wherever an earlier try left it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from .backend import keras, tensorflow
from .contract import LOG_FILE, MODEL_FOLDER, Log, Stopped, Surroundings, finish, write_progress
from .data import Split, read
from .export import export_model
from .items import dataset_run
from .learner import Learner
from .metrics import accuracy, macro_f1, majority, softmax_regression
from .network import probabilities_of
from .pixels import Reader
from .spec import Spec
from .story import Story, begin_story, forget, read_story, write_story

_PROGRESS_SECONDS = 1.0


class Training:
    def __init__(self, place: Surroundings, spec: Spec, interrupted: Callable[[], bool]) -> None:
        self.place = place
        self.spec = spec
        self.log = Log(place.output / LOG_FILE)
        self._interrupted = interrupted
        self._kept_at = self._told_at = time.monotonic()

    def run(self) -> None:
        """Leaves the result. Raises Stopped, with everything in the checkpoint, once it is interrupted."""
        place, spec = self.place, self.spec
        train, reader = read(place.input, "train", spec.labels)
        validation, _ = read(place.input, "validation", spec.labels, reader)
        learner = Learner(spec, reader, len(train.items))
        story = self._story(learner)
        self.log(
            f"{learner.items} items, {learner.network.count_params()} weights, "
            f"Keras {keras.__version__}, TensorFlow {tensorflow.__version__}"
        )
        while learner.epoch < spec.epochs:
            self._epoch(learner, train)
            scores = learner.validate(validation.inputs, validation.targets)
            better = learner.end_epoch(*scores)
            self.log(
                f"epoch {learner.epoch} of {spec.epochs}: validation accuracy {scores[0]:.4f}, loss {scores[1]:.4f}"
                f"{', the best so far' if better else ''}"
            )
            self._keep(learner)
        self._conclude(learner, train, validation, reader, story)

    def _story(self, learner: Learner) -> Story:
        """What is known of the run so far, with the learner where its last checkpoint was."""
        place = self.place
        story = read_story(place.checkpoint, self.spec.determinant) or begin_story(self.spec.determinant)
        if learner.restore(place.checkpoint, self.log) and not story.complete:
            story.restarts += 1
            self.log(f"going on from the checkpoint after {learner.steps_done} of {learner.steps} steps")
        story.complete = learner.epoch >= self.spec.epochs
        write_story(place.checkpoint, story)
        return story

    def _epoch(self, learner: Learner, train: Split) -> None:
        started, first, total = time.monotonic(), learner.step, 0.0
        for batch in learner.batches():
            if self._interrupted():
                self._keep(learner)
                raise Stopped
            total += learner.learn(train.inputs[batch], train.targets[batch])
            self._tell(learner)
        steps = learner.step - first
        if steps:
            self.log(
                f"epoch {learner.epoch + 1} of {self.spec.epochs}: {steps} steps in "
                f"{time.monotonic() - started:.1f} s, training loss {total / steps:.4f}"
            )

    def _tell(self, learner: Learner) -> None:
        now = time.monotonic()
        if now - self._kept_at >= self.spec.checkpoint_seconds:
            self._keep(learner)
        if now - self._told_at >= _PROGRESS_SECONDS:
            self._told_at = now
            self._say(learner, "training")

    def _keep(self, learner: Learner) -> None:
        learner.save(self.place.checkpoint)
        self._kept_at = time.monotonic()
        self.log(f"checkpoint after {learner.steps_done} steps")

    def _say(self, learner: Learner, message: str) -> None:
        epochs = self.spec.epochs
        write_progress(
            self.place, learner.steps_done, learner.steps, min(learner.epoch + 1, epochs), epochs, message
        )

    def _conclude(self, learner: Learner, train: Split, validation: Split, reader: Reader, story: Story) -> None:
        """One look at the test split, the export, the result."""
        place, spec, network, best = self.place, self.spec, learner.network, learner.best
        assert best is not None, "an epoch is at least validated once"
        self._say(learner, "evaluating")
        self._stop_if_interrupted()
        test, _ = read(place.input, "test", spec.labels, reader)
        network.set_weights(best.weights)
        answers = probabilities_of(network, test.inputs).argmax(axis=1)
        simplest = majority(train.targets, len(test.items))
        simple = softmax_regression(train.inputs, train.targets, test.inputs, len(spec.labels))
        metrics = {
            "testAccuracy": accuracy(test.targets, answers),
            "testF1": macro_f1(test.targets, answers),
            "validationAccuracy": best.accuracy,
            "validationLoss": best.loss,
            "bestEpoch": best.epoch,
            "majorityAccuracy": accuracy(test.targets, simplest),
            "majorityF1": macro_f1(test.targets, simplest),
            "simpleAccuracy": accuracy(test.targets, simple),
            "simpleF1": macro_f1(test.targets, simple),
        }
        rounded = {name: round(value, 6) for name, value in metrics.items()}
        self.log(f"test metrics: {json.dumps(rounded)}")
        self._stop_if_interrupted()
        folder = place.output / MODEL_FOLDER
        export_model(folder, network, reader, spec.labels, validation, place.run)
        finish(
            place,
            folder,
            {
                "seconds": round(time.time() - story.began, 3),
                "dataset": dataset_run(place.input),
                "metrics": rounded,
                "steps": learner.steps,
                "epochs": spec.epochs,
                "restarts": story.restarts,
                "workers": 1,
            },
        )
        if spec.retention.removes_when_done:
            forget(place.checkpoint)

    def _stop_if_interrupted(self) -> None:
        if self._interrupted():
            raise Stopped
