"""The space of a search and its spec, without a database. That Optuna draws from it is test_search's to prove."""

import unittest
from typing import Any

from . import support
from millwright_workloads.contract import EXIT_BAD_SPEC, WorkloadFailure
from millwright_workloads.search_spec import SearchSpec
from millwright_workloads.space import MOST_GRID_POINTS, Categorical, Condition, Float, Integer, apply, parse_space

TRAINING = {
    "epochs": 3,
    "learningRate": 0.1,
    "batchSize": 8,
    "network": {"kind": "text-cnn", "channels": 8, "dropout": 0.1},
}

SEARCH: dict[str, Any] = {
    "algorithm": "tpe",
    "pruner": "median",
    "trials": 6,
    "seed": 3,
    "objectives": [{"metric": "validationLoss", "direction": "minimize"}],
    "space": {"learningRate": {"kind": "float", "low": 0.0001, "high": 1, "log": True}},
}


def spec(**changes: Any) -> dict[str, Any]:
    search = {**SEARCH, **changes}
    return {"search": search, "training": TRAINING, "task": "text-classification", "labels": ["ham", "spam"]}


class Written(unittest.TestCase):
    SPACE: dict[str, Any] = {
        "learningRate": {"kind": "float", "low": 0.01, "high": 1, "log": True},
        "batchSize": {"kind": "categorical", "choices": [8, 16]},
        "network.channels": {"kind": "integer", "low": 2, "high": 10, "step": 3},
        "network.dropout": {
            "kind": "float",
            "low": 0,
            "high": 0.4,
            "step": 0.1,
            "when": {"parameter": "batchSize", "equals": 16},
        },
    }

    def written(self, **network: Any) -> dict[str, Any] | None:
        training = {**TRAINING, **{name: value for name, value in network.items() if name != "network"}}
        training["network"] = {**TRAINING["network"], **network.get("network", {})}
        return parse_space(self.SPACE, training).written(training)

    def test_is_what_the_training_says_where_conditions_hold(self) -> None:
        self.assertEqual(self.written(), {"learningRate": 0.1, "batchSize": 8, "network.channels": 8})
        self.assertEqual(
            self.written(batchSize=16, learningRate=1),
            {"learningRate": 1.0, "batchSize": 16, "network.channels": 8, "network.dropout": 0.1},
        )

    def test_is_none_where_a_value_is_outside_the_space(self) -> None:
        outside: tuple[dict[str, Any], ...] = (
            {"learningRate": 0.009},
            {"learningRate": 2},
            {"batchSize": 32},
            {"batchSize": True},
            {"network": {"channels": 9}},
            {"network": {"channels": 11}},
            {"batchSize": 16, "network": {"dropout": 0.15}},
        )
        for changes in outside:
            with self.subTest(**changes):
                self.assertIsNone(self.written(**changes))


class Grid(unittest.TestCase):
    def test_has_every_point_once_and_a_parameter_only_where_its_condition_holds(self) -> None:
        space = parse_space(
            {
                "network.dropout": {
                    "kind": "float",
                    "low": 0.1,
                    "high": 0.3,
                    "step": 0.1,
                    "when": {"parameter": "batchSize", "equals": 16},
                },
                "batchSize": {"kind": "categorical", "choices": [8, 16]},
                "network.channels": {"kind": "integer", "low": 4, "high": 9, "step": 3},
            },
            TRAINING,
        )
        self.assertEqual(
            sorted(sorted(point.items()) for point in space.grid()),
            sorted(
                sorted(point.items())
                for channels in (4, 7)
                for point in (
                    {"batchSize": 8, "network.channels": channels},
                    *({"batchSize": 16, "network.channels": channels, "network.dropout": x} for x in (0.1, 0.2, 0.3)),
                )
            ),
        )

    def test_steps_reach_the_upper_end_in_spite_of_rounding(self) -> None:
        for low, high, step, count in (
            (0.0, 0.3, 0.1, 4),
            (0.1, 0.7, 0.2, 4),
            (0.0, 1.0, 0.3, 4),
            (0.0, 0.05, 0.01, 6),
        ):
            with self.subTest(low=low, high=high, step=step):
                self.assertEqual(len(Float(low, high, step).values() or []), count)

    def test_refuses_what_has_no_end(self) -> None:
        space = parse_space(
            {
                "learningRate": {"kind": "float", "low": 0.1, "high": 1},
                "network.channels": {"kind": "integer", "low": 1, "high": 9, "log": True},
                "epochs": {"kind": "integer", "low": 1, "high": 2},
            },
            TRAINING,
        )
        with self.assertRaisesRegex(WorkloadFailure, "a grid needs a step for learningRate, network.channels"):
            space.grid()
        wide = {"kind": "integer", "low": 1, "high": MOST_GRID_POINTS + 1}
        with self.assertRaisesRegex(WorkloadFailure, f"more than {MOST_GRID_POINTS} points"):
            parse_space({"epochs": wide}, TRAINING).grid()


class Declared(unittest.TestCase):
    def test_is_read_with_its_types(self) -> None:
        space = parse_space(
            {
                "network.dropout": {
                    "kind": "float",
                    "low": 0,
                    "high": 1,
                    "when": {"parameter": "batchSize", "equals": 8},
                },
                "batchSize": {"kind": "categorical", "choices": [8, 16]},
                "epochs": {"kind": "integer", "low": 1, "high": 64, "log": True},
            },
            TRAINING,
        )
        self.assertEqual(
            list(space.parameters.items()),
            [
                ("batchSize", Categorical((8, 16))),
                ("epochs", Integer(1, 64, log=True)),
                ("network.dropout", Float(0.0, 1.0, when=Condition("batchSize", 8))),
            ],
        )

    def test_names_everything_that_is_wrong_at_once(self) -> None:
        with self.assertRaises(WorkloadFailure) as caught:
            parse_space(
                {
                    "rate": {"kind": "float", "low": 0, "high": 1},
                    "network": {"kind": "integer", "low": 1, "high": 2},
                    "learningRate": {"kind": "float", "low": 0, "high": 1, "log": True},
                    "batchSize": {"kind": "integer", "low": 8, "high": 8.5, "step": 0},
                    "epochs": {"kind": "integer", "low": 4, "high": 3},
                    "network.channels": {"kind": "categorical", "choices": [4, 4, None]},
                    "network.dropout": {"kind": "uniform"},
                },
                TRAINING,
            )
        self.assertEqual(caught.exception.code, EXIT_BAD_SPEC)
        for part in (
            "space.rate: the training has no such parameter",
            "space.network: the training has no such parameter",
            "space.learningRate.low: is 0, must be above 0 on a log scale",
            "space.batchSize.high: is 8.5, must be a whole number",
            "space.batchSize.step: is 0, must be above 0",
            "space.epochs.low: is 4, must be below high (3)",
            "space.network.channels.choices.1: 4 is there twice",
            "space.network.channels.choices.2: is null",
            'space.network.dropout.kind: is "uniform"',
        ):
            self.assertIn(part, str(caught.exception))

    def test_conditions_name_a_choice_of_a_categorical_parameter_without_a_circle(self) -> None:
        two = {"kind": "categorical", "choices": [1, 2]}
        for space, why in (
            ({"epochs": {**two, "when": {"parameter": "batchSize", "equals": 1}}}, "the space has no batchSize"),
            (
                {"epochs": {**two, "when": {"parameter": "batchSize", "equals": 3}}, "batchSize": two},
                "epochs.when.equals: is 3, must be one of 1, 2",
            ),
            (
                {"epochs": {**two, "when": {"parameter": "batchSize", "equals": True}}, "batchSize": two},
                "epochs.when.equals: is true, must be one of 1, 2",
            ),
            (
                {
                    "epochs": {**two, "when": {"parameter": "batchSize", "equals": 1}},
                    "batchSize": {"kind": "integer", "low": 1, "high": 2},
                },
                "batchSize is not categorical",
            ),
            (
                {
                    "epochs": {**two, "when": {"parameter": "batchSize", "equals": 1}},
                    "batchSize": {**two, "when": {"parameter": "epochs", "equals": 1}},
                },
                "the conditions of epochs, batchSize go round in a circle",
            ),
        ):
            with self.subTest(why=why), self.assertRaisesRegex(WorkloadFailure, why):
                parse_space(space, TRAINING)

    def test_a_point_is_put_into_a_copy(self) -> None:
        changed = apply(TRAINING, {"network.channels": 99, "epochs": 1})
        self.assertEqual((changed["network"]["channels"], changed["epochs"]), (99, 1))
        self.assertEqual((TRAINING["network"]["channels"], TRAINING["epochs"]), (8, 3))


class Spec(unittest.TestCase):
    def test_is_the_training_runs_with_the_searchs_own_epochs_and_one_worker(self) -> None:
        given = {**spec(epochs=2), "training": {**TRAINING, "workers": 4}}
        found = SearchSpec.of(given)
        self.assertEqual(
            found.training_of({"learningRate": 0.5}),
            {**TRAINING, "epochs": 2, "learningRate": 0.5, "task": "text-classification", "labels": ["ham", "spam"]},
        )

    def test_knows_the_longest_trial(self) -> None:
        for changes, epochs in (
            ({}, 3),
            ({"epochs": 7}, 7),
            ({"space": {"epochs": {"kind": "integer", "low": 1, "high": 9}}}, 9),
            ({"space": {"epochs": {"kind": "categorical", "choices": [5, 2]}}}, 5),
        ):
            self.assertEqual(SearchSpec.of(spec(**changes)).most_epochs, epochs)

    def test_names_the_field_the_value_and_what_is_allowed(self) -> None:
        loss, size = ({"metric": metric, "direction": "minimize"} for metric in ("validationLoss", "parameters"))
        for changes, why in (
            ({"algorithm": "anneal"}, r'search\.algorithm: is "anneal", must be one of tpe, random, grid'),
            ({"pruner": "halving"}, r'search\.pruner: is "halving"'),
            ({"trials": 0}, r"search\.trials: is 0, must be at least 1"),
            ({"objectives": []}, r"search\.objectives: is empty"),
            ({"objectives": [{**loss, "metric": "testLoss"}]}, r'objectives\.0\.metric: is "testLoss"'),
            ({"objectives": [{**loss, "direction": "down"}]}, r'objectives\.0\.direction: is "down"'),
            ({"objectives": [loss, loss], "pruner": "none"}, r'"validationLoss" is an objective already'),
            ({"objectives": [loss, size]}, r'search\.pruner: is "median".*must be "none"'),
            (
                {"objectives": [loss, size], "pruner": "none", "algorithm": "cmaes"},
                r'"cmaes", which takes one objective',
            ),
            ({"space": {}}, r"search\.space: is \{\}"),
        ):
            with self.subTest(why=why), self.assertRaisesRegex(WorkloadFailure, why):
                SearchSpec.of(spec(**changes))


if __name__ == "__main__":
    unittest.main()
