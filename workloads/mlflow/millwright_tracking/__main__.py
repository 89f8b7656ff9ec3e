"""Brings the database's tables up to MLflow's version, then becomes MLflow's server.

The password comes from a mounted file and goes into another, in memory, which libpq reads: libpq takes none that its
group can read, and every file of a mounted Secret is such a file. So the password is in no argument and in no variable.
Of the other ways, an argument is shown by ps to the whole node; a variable (MLflow puts the URI of its database into
its workers' environment even where it got it as an argument) by /proc, crash reports and whatever the server starts.

The tables are brought up at every start. Where nothing is to be done this changes nothing; what is interrupted,
PostgreSQL takes back: a whole upgrade is one transaction. Two at a time must not be; the Deployment sees to that.

Exit codes: 64 the environment is wrong; 143 SIGTERM during the upgrade; else what MLflow ends with.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType

from .settings import Settings, SettingsError, read_settings

EXIT_BAD_ENVIRONMENT = 64

GRACEFUL_SECONDS = 20
"""How long requests under way have to end after SIGTERM; the pod has a little longer."""

SERVER_SETTINGS = {
    # No jobs, no scoring, no calls home: the server keeps books.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Each of the two stores has a pool of its own; together they stay below what the database plans for two clients.
    "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "2",
    "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": "2",
}


def write_passfile(settings: Settings) -> None:
    """Readable for this user alone from its first byte on."""
    settings.passfile.unlink(missing_ok=True)
    handle = os.open(settings.passfile, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8") as file:
        file.write(settings.passfile_line)


def upgrade(settings: Settings) -> int:
    """Brings the tables up, waiting up to two minutes for the database; MLflow's exit code."""
    process = subprocess.Popen(["mlflow", "db", "upgrade", settings.uri])

    def stop(_number: int, _frame: FrameType | None) -> None:
        process.terminate()

    signal.signal(signal.SIGTERM, stop)
    code = process.wait()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return code if code >= 0 else 128 - code


def server_command(settings: Settings) -> list[str]:
    """One worker: it answers people and the mirror, and each worker takes 250 MiB."""
    return [
        "mlflow",
        "server",
        f"--backend-store-uri={settings.uri}",
        "--serve-artifacts",
        f"--artifacts-destination={settings.artifacts}",
        "--host=0.0.0.0",
        f"--port={settings.serve}",
        "--workers=1",
        f"--uvicorn-opts=--timeout-graceful-shutdown={GRACEFUL_SECONDS} --no-access-log",
    ]


def main() -> int:
    try:
        settings = read_settings(os.environ)
        write_passfile(settings)
    except (SettingsError, OSError) as error:
        return _explain(EXIT_BAD_ENVIRONMENT, f"the registry's environment is wrong: {error}")
    os.environ.update(SERVER_SETTINGS)
    code = upgrade(settings)
    if code != 0:
        return _explain(code, "the database's tables could not be brought up; what MLflow said stands in the log")
    command = server_command(settings)
    os.execvp(command[0], command)


def _explain(code: int, message: str) -> int:
    print(f"millwright: {message}", file=sys.stderr, flush=True)
    place = os.environ.get("MILLWRIGHT_TERMINATION_LOG", "/dev/termination-log")
    if os.path.isfile(place) and os.access(place, os.W_OK):
        with open(place, "w", encoding="utf-8") as file:
            file.write(message[:4096])
    return code


if __name__ == "__main__":
    sys.exit(main())
