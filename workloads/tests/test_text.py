import random
import unittest
from pathlib import Path

import numpy

from . import support
from millwright_workloads.text import FORMAT, PADDING, READING, UNKNOWN, Reader, most_frequent


class Reading(unittest.TestCase):
    def test_every_image_reads_by_the_same_file(self) -> None:
        self.assertEqual(len(support.copies("text.py")), 1)

    def test_marks_what_matters_whatever_its_value(self) -> None:
        tokens = Reader(READING, 64).tokens("> FREE at http://10.0.0.1/x, $1,000.00!! mail joe@x.example don't 42")
        self.assertEqual(
            tokens,
            "quotemark free capitalsmark at linkmark numericmark $ 0000 ! ! mail addressmark don't 00".split(),
        )

    def test_pads_cuts_and_knows_the_unknown(self) -> None:
        encoded = Reader(READING, 3, ["b", "a"]).encode(["a b", "a z a a", ""])
        self.assertEqual(encoded.tolist(), [[3, 2, PADDING], [3, UNKNOWN, 3], [PADDING] * 3])
        self.assertEqual(encoded.dtype, numpy.int64)

    def test_does_not_read_what_another_version_wrote(self) -> None:
        with self.assertRaisesRegex(ValueError, "millwright-text/9.*" + FORMAT):
            Reader({**READING, "format": "millwright-text/9"}, 8)

    def test_any_text_gives_a_whole_row_in_time(self) -> None:
        draw = random.Random(7)
        reader = Reader(READING, 16, ["a"])
        alphabet = "aA0 .,@:/>!$%\n\t\u00e9\u0130\u4e2d\ufb01\u200b'=<"
        texts = ["".join(draw.choices(alphabet, k=draw.randrange(400))) for _ in range(400)]
        texts += ["a" * 10**6, "0." * 10**6, "http://" * 10**5, "@." * 10**5, ">" * 10**6]
        encoded = reader.encode(texts)
        self.assertEqual(encoded.shape, (len(texts), 16))
        self.assertTrue(((encoded >= 0) & (encoded < reader.words)).all())


class Vocabulary(unittest.TestCase):
    def test_is_by_frequency_then_spelling_and_has_its_size(self) -> None:
        rows = [["b", "a", "c"], ["a", "b"], ["d", "c", "once"], ["d"], ["a"]]
        self.assertEqual(most_frequent(rows, 100), ["a", "b", "c", "d"])
        self.assertEqual(most_frequent(rows, 4), ["a", "b"])
        self.assertEqual(Reader(READING, 4, most_frequent(rows, 4)).words, 4)


if __name__ == "__main__":
    unittest.main()
