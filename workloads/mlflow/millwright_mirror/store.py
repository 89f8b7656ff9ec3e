"""The artifact store, read-only: the files of a run's artifact, if they are what its record says."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from .records import Artifact

NOT_OF_THE_ARTIFACT = ("log.txt", "result.json")
"""Files at the top of an artifact's folder that do not count (workloads/CONTRACT.md); half-written ones never do."""


class StoreError(Exception):
    """The artifact is not there, or is not what its record says."""


@dataclass(frozen=True)
class StoredFile:
    name: str
    """Relative to the artifact, with '/'."""
    path: Path
    bytes: int


def artifact_files(root: Path, artifact: Artifact) -> list[StoredFile]:
    """The files of an artifact, compared with its digest.

    No link is followed, neither on the way nor inside: what a workload left could point at this process's own secrets.
    Raises StoreError.
    """
    parts = artifact.path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise StoreError(f'its path "{artifact.path}" is not one below the artifact store')
    folder = root
    for part in parts:
        folder = folder / part
        if not _is_folder(folder):
            raise StoreError(f"{artifact.path} is not in the artifact store, or is no folder")
    files = sorted(_below(folder, PurePosixPath()), key=lambda file: file.name)
    lines = "".join(f"{_sha256(file.path)}  {file.name}\n" for file in files)
    found = hashlib.sha256(lines.encode("utf-8")).hexdigest()
    if found != artifact.sha256:
        raise StoreError(f"{artifact.path} has the digest {found}, its record says {artifact.sha256}")
    return files


def open_file(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")


def _below(folder: Path, prefix: PurePosixPath) -> list[StoredFile]:
    found: list[StoredFile] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            name = (prefix / entry.name).as_posix()
            if entry.is_symlink():
                raise StoreError(f"{name} of it is a link")
            if entry.is_dir(follow_symlinks=False):
                found += _below(Path(entry.path), prefix / entry.name)
            elif entry.is_file(follow_symlinks=False) and _counts(name):
                found.append(StoredFile(name, Path(entry.path), entry.stat(follow_symlinks=False).st_size))
    return found


def _counts(name: str) -> bool:
    return name not in NOT_OF_THE_ARTIFACT and not name.endswith(".partial")


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _sha256(path: Path) -> str:
    whole = hashlib.sha256()
    with open_file(path) as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            whole.update(chunk)
    return whole.hexdigest()
