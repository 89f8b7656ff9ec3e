import random
import unittest
from collections import Counter

from . import support  # noqa: F401
from millwright_workloads.duplicates import content_key, groups
from millwright_workloads.items import SPLITS, Item
from millwright_workloads.split import distinct, leaked, split

FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}
WORDS = [f"{a}{b}{c}" for a in "bcdfgh" for b in "aeiou" for c in "klmnp"]


def items(count: int, seed: int, copies: float = 0.3) -> list[Item]:
    """Random texts, of which a part are copies with something changed in them."""
    draw = random.Random(seed)
    texts: list[tuple[str, str]] = []
    for _ in range(count):
        if texts and draw.random() < copies:
            label, text = draw.choice(texts)
            words = text.split()
            words[draw.randrange(len(words))] = draw.choice(WORDS)
            texts.append((label, f"{' '.join(words)} {draw.randrange(1000)}"))
        else:
            texts.append((draw.choice(["ham", "spam"]), " ".join(draw.choices(WORDS, k=draw.randrange(20, 60)))))
    return [Item(f"{at:04}", label, text) for at, (label, text) in enumerate(texts)]


class ContentKey(unittest.TestCase):
    def test_ignores_what_changes_from_copy_to_copy(self) -> None:
        one = content_key("Toners for LESS!\n\nClick http://a.example/?id=17 now, ref 4711")
        other = content_key("toners  for less\nclick www.b.example now -- ref 0815")
        self.assertEqual(one, other)
        self.assertNotEqual(one, content_key("toners for more, click now, ref"))


class Distinct(unittest.TestCase):
    def test_keeps_the_first_of_the_same_and_none_of_what_contradicts_itself(self) -> None:
        found = distinct(
            [
                Item("b", "ham", "see you on tuesday"),
                Item("a", "ham", "See you on Tuesday!"),
                Item("c", "ham", "cheap pills"),
                Item("d", "spam", "Cheap pills 99"),
                Item("e", "spam", "something else"),
            ]
        )
        self.assertEqual([item.id for item in found.items], ["a", "e"])
        self.assertEqual((found.duplicates, found.contradictions), (1, 2))

    def test_images_are_the_same_when_every_pixel_is(self) -> None:
        one = [[0, 1], [2, 3]]
        found = distinct(
            [
                Item("a", "7", one),
                Item("b", "7", [[0.0, 1.0], [2.0, 3.0]]),
                Item("c", "7", [[0, 1], [2, 4]]),
                Item("d", "1", [[9, 9], [9, 9]]),
                Item("e", "2", [[9, 9], [9, 9]]),
            ]
        )
        self.assertEqual([item.id for item in found.items], ["a", "c"])
        self.assertEqual((found.duplicates, found.contradictions), (1, 2))


class Split(unittest.TestCase):
    def test_never_leaks_and_loses_nothing(self) -> None:
        for seed in range(15):
            with self.subTest(seed=seed):
                given = distinct(items(200, seed)).items
                parts = split(given, FRACTIONS, seed)
                self.assertEqual(leaked(parts), [])
                self.assertEqual(
                    sorted(item.id for name in SPLITS for item in parts[name]), [item.id for item in given]
                )

    def test_keeps_groups_together_that_a_careless_split_would_tear(self) -> None:
        given = distinct(items(200, 1)).items
        self.assertLess(len(set(groups([item.value for item in given]))), len(given))
        careless = {name: [item for at, item in enumerate(given) if at % 3 == part] for part, name in enumerate(SPLITS)}
        self.assertNotEqual(leaked(careless), [])

    def test_is_stratified(self) -> None:
        parts = split(distinct(items(600, 2, copies=0.05)).items, FRACTIONS, 1)
        whole = Counter(item.label for part in parts.values() for item in part)
        for name in SPLITS:
            counts = Counter(item.label for item in parts[name])
            for label in whole:
                self.assertAlmostEqual(counts[label] / whole[label], FRACTIONS[name], delta=0.02)

    def test_depends_on_the_seed_and_the_content_alone(self) -> None:
        given = distinct(items(200, 3)).items
        shuffled = random.Random(0).sample(given, len(given))
        self.assertEqual(split(given, FRACTIONS, 4), split(shuffled, FRACTIONS, 4))
        self.assertNotEqual(split(given, FRACTIONS, 4), split(given, FRACTIONS, 5))


class Leaked(unittest.TestCase):
    def test_finds_equal_and_nearly_equal_items(self) -> None:
        text = "we would like to offer you a mortgage at the best rate there is in the whole country today"
        parts = {
            "train": [Item("a", "spam", text), Item("b", "ham", "unrelated words of another kind entirely here")],
            "validation": [Item("c", "spam", f"{text} {text.replace('best', 'lowest')}")],
            "test": [Item("d", "spam", text.upper())],
        }
        found = {(one.id, other.id) for one, other in leaked(parts)}
        self.assertEqual(found, {("a", "c"), ("a", "d"), ("c", "d")} & found)
        self.assertIn(("a", "d"), found)
        self.assertIn(("a", "c"), found)

    def test_finds_equal_images(self) -> None:
        parts = {
            "train": [Item("a", "1", [[0, 1], [2, 3]]), Item("b", "1", [[5, 5], [5, 5]])],
            "validation": [Item("c", "1", [[0, 1], [2, 2]])],
            "test": [Item("d", "1", [[0.0, 1.0], [2.0, 3.0]])],
        }
        self.assertEqual([(one.id, other.id) for one, other in leaked(parts)], [("a", "d")])


if __name__ == "__main__":
    unittest.main()
