"""A PostgreSQL server of a test's own, on a free port and in a temporary folder, gone when the test ends."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from . import support

PASSWORD = 'with "quotes", {braces}, 50% @ and : in it'
USER = "millwright"
DATABASE = "search"


def programs() -> Path:
    """The folder of the newest version's programs. Raises FileNotFoundError when there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise FileNotFoundError("there is no PostgreSQL here; install the package postgresql")
    return Path(on_path).parent


class Postgres:
    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="millwright-postgres-")
        self.root = Path(self._folder.name)
        self.port = support.free_port()
        self.password_file = self.root / "password"
        self.password_file.write_text(PASSWORD + "\n", encoding="utf-8")
        # PostgreSQL refuses to run as root; the files must belong to whoever runs it.
        self._as: dict[str, object] = {}
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for path in (self.root, self.password_file):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        self._run(
            "initdb", "--pgdata", self.root / "data", "--no-sync", "--auth", "scram-sha-256", "--username", USER,
            "--encoding", "UTF8", "--no-locale", "--pwfile", self.password_file,
        )  # fmt: skip
        self._server: subprocess.Popen[bytes] | None = None
        self.start()
        self._run("createdb", "--host", "127.0.0.1", "--port", str(self.port), "--username", USER, DATABASE)

    def start(self) -> None:
        log = (self.root / "log").open("ab")
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": 40,
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with log:
            self._server = subprocess.Popen(
                [programs() / "postgres", "-D", self.root / "data", *arguments],
                stdout=log,
                stderr=log,
                cwd=self.root,
                **self._as,  # type: ignore[call-overload]
            )
        ready = [programs() / "pg_isready", "--quiet", "--host", "127.0.0.1", "--port", str(self.port)]
        support.wait_for(lambda: subprocess.run(ready).returncode == 0, "PostgreSQL to answer", 30)

    def stop(self) -> None:
        """Breaks every connection off, as a failing database does."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(30)
            self._server = None

    def close(self) -> None:
        self.stop()
        self._folder.cleanup()

    def environment(self) -> dict[str, str]:
        return {
            "MILLWRIGHT_DATABASE_HOST": "127.0.0.1",
            "MILLWRIGHT_DATABASE_PORT": str(self.port),
            "MILLWRIGHT_DATABASE_USER": USER,
            "MILLWRIGHT_DATABASE_NAME": DATABASE,
            "MILLWRIGHT_DATABASE_PASSWORD_FILE": str(self.password_file),
        }

    def _run(self, program: str, *arguments: object) -> None:
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        done = subprocess.run(
            [programs() / program, *(str(each) for each in arguments)],
            env=environment,
            cwd=self.root,
            capture_output=True,
            text=True,
            **self._as,  # type: ignore[call-overload]
        )
        if done.returncode != 0:
            raise AssertionError(f"{program} failed: {done.stderr}")
