import unittest

import numpy

from . import support
from millwright_workloads.pixels import FORMAT, Reader, reading_of

IMAGE = [[0, 4, 8], [16, 12, 2]]


class Reading(unittest.TestCase):
    def test_every_image_reads_by_the_same_file(self) -> None:
        self.assertEqual(len(support.copies("pixels.py")), 1)

    def test_scales_to_the_range_of_what_it_was_fitted_to(self) -> None:
        reader = Reader(reading_of([IMAGE, [[1, 1, 1], [1, 1, 1]]]))
        encoded = reader.encode([IMAGE])
        self.assertEqual((encoded.shape, encoded.dtype), ((1, 1, 2, 3), numpy.float32))
        self.assertEqual(encoded[0, 0].tolist(), [[0.0, 0.25, 0.5], [1.0, 0.75, 0.125]])
        self.assertEqual(reader.encode([[[32, 0, 0], [0, 0, 0]]]).max(), 2.0)

    def test_takes_images_of_its_own_size_only(self) -> None:
        reader = Reader(reading_of([IMAGE]))
        for images in ([], [[[1, 2], [3, 4], [5, 6]]], [[1, 2, 3, 4, 5, 6]], [IMAGE, [[1, 2], [3, 4]]]):
            with self.subTest(images=images), self.assertRaises(ValueError):
                reader.encode(images)

    def test_is_not_fitted_to_what_is_no_set_of_images(self) -> None:
        for images in ([[[1, 2], [3, 4]], IMAGE], [[[5, 5], [5, 5]]], [[[1, 2]]]):
            with self.subTest(images=images), self.assertRaises(ValueError):
                reading_of(images)

    def test_does_not_read_what_another_version_wrote(self) -> None:
        with self.assertRaisesRegex(ValueError, "millwright-pixels/9.*" + FORMAT):
            Reader({**reading_of([IMAGE]), "format": "millwright-pixels/9"})


if __name__ == "__main__":
    unittest.main()
