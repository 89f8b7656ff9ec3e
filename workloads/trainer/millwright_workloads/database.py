"""The PostgreSQL database a search's workers share: where it is, waiting for it, and locks between processes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from .contract import EXIT_UNAVAILABLE, WorkloadFailure, bad_spec

ENGINE_SETTINGS: dict[str, Any] = {"pool_pre_ping": True, "connect_args": {"connect_timeout": 10}}
"""A connection that broke while nobody used it is replaced; one that cannot be made is given up after 10 s."""

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Database:
    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)

    @staticmethod
    def of(environment: Mapping[str, str]) -> Database:
        """Raises a bad-spec failure that names every variable that is missing or malformed, and never the password."""
        problems: list[str] = []

        def value(name: str) -> str:
            given = environment.get(name, "")
            if not given:
                problems.append(f"{name} is not set")
            return given

        port = value("MILLWRIGHT_DATABASE_PORT")
        if port and not (port.isdecimal() and 0 < int(port) < 65536):
            problems.append(f'MILLWRIGHT_DATABASE_PORT is "{port}", must be a port')
        file = value("MILLWRIGHT_DATABASE_PASSWORD_FILE")
        password = ""
        if file:
            try:
                password = Path(file).read_text(encoding="utf-8").rstrip("\n")
            except OSError as error:
                problems.append(f"MILLWRIGHT_DATABASE_PASSWORD_FILE {file}: {error.strerror}")
        host, name, user = (value(f"MILLWRIGHT_DATABASE_{part}") for part in ("HOST", "NAME", "USER"))
        if problems:
            raise bad_spec(f"the environment names no database: {'; '.join(problems)}")
        return Database(host, int(port), name, user, password)

    def url(self) -> str:
        """With the password: not for logs."""
        url = URL.create("postgresql+psycopg2", self.user, self.password, self.host, self.port, self.name)
        return url.render_as_string(hide_password=False)

    def __str__(self) -> str:
        return f"{self.name} at {self.host}:{self.port}"


def connect(database: Database, wait_seconds: float, pause: Callable[[float], None]) -> Engine:
    """An engine whose database answers. Raises a group-lost failure when it does not in time."""
    engine = create_engine(database.url(), **ENGINE_SETTINGS)
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            with engine.connect():
                return engine
        except OperationalError as error:
            if time.monotonic() > deadline:
                raise lost(database, error) from error
        pause(min(1.0, wait_seconds / 10))


def lost(database: Database, error: BaseException) -> WorkloadFailure:
    """Another try may find it again: databases are restarted, moved and failed over."""
    return WorkloadFailure(EXIT_UNAVAILABLE, f"the database {database} does not answer: {first_line(error)}")


def first_line(error: BaseException) -> str:
    return (str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def locked(engine: Engine, name: str, pause: Callable[[float], None]) -> Iterator[None]:
    """Holds PostgreSQL's advisory lock of a name; a process that dies lets go of it with its connection.

    It is asked for again and again, not waited for, since a wait inside the driver would not see SIGTERM.
    """
    key = int.from_bytes(hashlib.sha256(name.encode("utf-8")).digest()[:8], "big", signed=True)
    while True:
        with engine.begin() as connection:
            if connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": key}).scalar_one():
                yield
                return
        pause(_POLL_SECONDS)
