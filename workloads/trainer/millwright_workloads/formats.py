"""How raw data is read: a folder of the source image, or what a library of this image carries."""

from __future__ import annotations

import re
from pathlib import Path

from .contract import bad_data, bad_spec
from .items import Item
from .mail import readable_text

SPAM_ASSASSIN = "spam-assassin"
DIGITS = "digits"

_SPAM_ASSASSIN_FOLDER = re.compile(r"(?:(?:easy|hard)-)?(ham|spam)(?:-\d+)?")


def origin_of(format_name: str, source: Path) -> str:
    """Where items of a format come from, for whoever reads about them."""
    return "scikit-learn's digits" if format_name == DIGITS else str(source)


def read_items(format_name: str, source: Path) -> list[Item]:
    """The items of a format, in order of id. `source` is the folder of raw data, for the formats that need one."""
    if format_name == SPAM_ASSASSIN:
        return _mails(source)
    if format_name == DIGITS:
        return _digits()
    raise bad_spec(f'spec.format: is "{format_name}", this image reads "{SPAM_ASSASSIN}" and "{DIGITS}"')


def _mails(source: Path) -> list[Item]:
    if not source.is_dir():
        raise bad_data(f"{source}: there is no such folder; the source image must carry the raw data there")
    items = [
        Item(f"{folder.name}/{path.name}", kind[1], readable_text(path.read_bytes()))
        for folder in sorted(source.iterdir())
        if (kind := _SPAM_ASSASSIN_FOLDER.fullmatch(folder.name)) and folder.is_dir()
        for path in sorted(folder.glob("*.txt"))
    ]
    if not items:
        raise bad_data(f"{source}: no mails found; expected folders such as easy-ham-1 and spam-1 with one .txt a mail")
    return items


def _digits() -> list[Item]:
    """1,797 handwritten digits of 8 x 8 pixels with values of 0 to 16: the test part of the UCI repository's "Optical
    Recognition of Handwritten Digits" (E. Alpaydin, C. Kaynak, 1998), as scikit-learn ships it.
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    return [
        Item(f"digits/{number:04}", str(int(label)), image.astype(int).tolist())
        for number, (image, label) in enumerate(zip(found.images, found.target, strict=True))
    ]
