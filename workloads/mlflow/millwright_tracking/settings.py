"""What the server is told: variables of its environment, and the file that holds the password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_PREFIX = "MILLWRIGHT_"
_TEXTS = ("DATABASE_HOST", "DATABASE_USER", "DATABASE_NAME", "DATABASE_PASSWORD_FILE", "ARTIFACTS", "PRIVATE")
_PORTS = ("DATABASE_PORT", "PORT")


class SettingsError(Exception):
    """The environment is wrong; the message names all that is."""


@dataclass(frozen=True)
class Settings:
    host: str
    """Of the database."""
    port: int
    user: str
    database: str
    password: str
    artifacts: str
    """Where the artifacts are kept: a folder that is writable, or `s3://bucket/prefix`."""
    private: Path
    """A folder in memory that only this container sees; writable."""
    serve: int
    """The port requests come to."""

    @property
    def passfile(self) -> Path:
        return self.private / "passfile"

    @property
    def uri(self) -> str:
        """How MLflow reaches the database: with the name of the password's file, not with the password.

        MLflow hands the URI on to its workers in their environment and says it in messages; no secret may be in it.
        """
        place = f"{quote(self.user)}@{self.host}:{self.port}/{quote(self.database)}"
        return f"postgresql+psycopg2://{place}?passfile={quote(str(self.passfile))}"

    @property
    def passfile_line(self) -> str:
        """The file's one line: host, port, database, user and password, with colons and backslashes escaped.

        https://www.postgresql.org/docs/15/libpq-pgpass.html
        """
        fields = (self.host, str(self.port), self.database, self.user, self.password)
        return ":".join(re.sub(r"([\\:])", r"\\\1", field) for field in fields) + "\n"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Raises SettingsError that names every fault."""
    values = {name: environment.get(_PREFIX + name, "") for name in (*_TEXTS, *_PORTS)}
    faults = [f"{_PREFIX}{name} is not set" for name in _TEXTS if not values[name]]
    for name in _PORTS:
        if not values[name].isdecimal() or not 0 < int(values[name]) < 65536:
            faults.append(f'{_PREFIX}{name} is "{values[name]}", must be a port from 1 to 65535')
    password, fault = _password(values["DATABASE_PASSWORD_FILE"])
    faults += [fault] if fault else []
    if faults:
        raise SettingsError("; ".join(faults))
    return Settings(
        host=values["DATABASE_HOST"],
        port=int(values["DATABASE_PORT"]),
        user=values["DATABASE_USER"],
        database=values["DATABASE_NAME"],
        password=password,
        artifacts=values["ARTIFACTS"],
        private=Path(values["PRIVATE"]),
        serve=int(values["PORT"]),
    )


def _password(path: str) -> tuple[str, str]:
    """The password, and what is wrong with its file; no file is named elsewhere."""
    if not path:
        return "", ""
    try:
        password = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        return "", f"the password's file {path} cannot be read ({type(error).__name__}); mount the Secret there"
    if not password or "\n" in password:
        return "", f"the password's file {path} must hold one line"
    return password, ""
