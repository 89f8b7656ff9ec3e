"""MLflow's server as its container starts it, on a real PostgreSQL with a password that needs care.

Not proved here: the read-only root, the mounted Secret and the probes; those are the pod's.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psycopg2

from . import support
from .mlflow_server import MLFLOW, PROGRAM, answers
from .postgres import DATABASE, PASSWORD, USER, Postgres

from millwright_tracking.settings import Settings, SettingsError, read_settings  # noqa: E402

SETTINGS = Settings(
    host="database", port=5432, user="mill", database="mlflow", password="p", artifacts="/a", private=Path("/p"),
    serve=5000,
)  # fmt: skip


def changed(**changes: Any) -> Settings:
    return Settings(**{**vars(SETTINGS), **changes})


class Reading(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="millwright-test-")
        self.addCleanup(folder.cleanup)
        self.password = Path(folder.name) / "password"
        self.password.write_text("secret\n")
        self.environment = {
            "MILLWRIGHT_DATABASE_HOST": "database",
            "MILLWRIGHT_DATABASE_PORT": "5432",
            "MILLWRIGHT_DATABASE_USER": "mill",
            "MILLWRIGHT_DATABASE_NAME": "mlflow",
            "MILLWRIGHT_DATABASE_PASSWORD_FILE": str(self.password),
            "MILLWRIGHT_ARTIFACTS": "/a",
            "MILLWRIGHT_PRIVATE": "/p",
            "MILLWRIGHT_PORT": "5000",
        }

    def test_a_whole_environment_is_taken(self) -> None:
        self.assertEqual(read_settings(self.environment), changed(password="secret"))

    def test_every_fault_is_named_and_no_password(self) -> None:
        with self.assertRaises(SettingsError) as caught:
            read_settings({"MILLWRIGHT_DATABASE_PORT": "65536", "MILLWRIGHT_PORT": "http"})
        for name in self.environment.keys() - {"MILLWRIGHT_DATABASE_PORT", "MILLWRIGHT_PORT"}:
            self.assertIn(f"{name} is not set", str(caught.exception))
        self.assertIn('MILLWRIGHT_DATABASE_PORT is "65536", must be a port', str(caught.exception))
        self.assertIn('MILLWRIGHT_PORT is "http", must be a port', str(caught.exception))
        for content, message in (
            (b"", "must hold one line"),
            (b"a\nb", "must hold one line"),
            (b"\xff", "cannot be read"),
        ):
            with self.subTest(content):
                self.password.write_bytes(content)
                with self.assertRaisesRegex(SettingsError, message):
                    read_settings(self.environment)
        self.password.unlink()
        with self.assertRaisesRegex(SettingsError, r"cannot be read \(FileNotFoundError\)"):
            read_settings(self.environment)

    def test_the_uri_has_the_file_and_not_the_password(self) -> None:
        uri = changed(user="a@b", database="m/l", password="secret", private=Path("/p q&")).uri
        self.assertEqual(uri, "postgresql+psycopg2://a%40b@database:5432/m/l?passfile=/p%20q%26/passfile")

    def test_the_files_fields_are_told_apart(self) -> None:
        line = changed(password=r"a:b\c").passfile_line
        self.assertEqual(line, "database:5432:mlflow:mill:" + r"a\:b\\c" + "\n")


class OnPostgres(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.postgres = Postgres()
        cls.addClassCleanup(cls.postgres.close)
        folder = tempfile.TemporaryDirectory(prefix="millwright-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.root = Path(folder.name)
        (cls.root / "private").mkdir()

    def start(self, **changes: str) -> subprocess.Popen[str]:
        self.port = support.free_port()
        self.termination = self.root / "termination"
        self.termination.write_text("")
        environment = {
            "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(MLFLOW),
            "PYTHONUNBUFFERED": "1",
            "HOME": str(self.root),
            "TMPDIR": str(self.root),
            "MILLWRIGHT_TERMINATION_LOG": str(self.termination),
            "MILLWRIGHT_ARTIFACTS": str(self.root / "artifacts"),
            "MILLWRIGHT_PRIVATE": str(self.root / "private"),
            "MILLWRIGHT_PORT": str(self.port),
            "MLFLOW_SERVER_ALLOWED_HOSTS": "mlflow:5000,localhost:*",
            "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": "http://mlflow:5000",
            **self.postgres.environment(),
            **changes,
        }
        log = self.root / "log"
        with log.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "millwright_tracking"], env=environment, cwd=self.root, stdout=file, stderr=file
            )

        def end() -> None:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

        self.addCleanup(end)
        return process

    def output(self) -> str:
        return (self.root / "log").read_text()

    def wait(self, process: subprocess.Popen[str]) -> None:
        def is_up() -> bool:
            if process.poll() is not None:
                raise AssertionError(f"the server ended with {process.returncode}: {self.output()[-4000:]}")
            return answers(f"http://127.0.0.1:{self.port}/health")

        support.wait_for(is_up, "the server", 120)

    def call(self, path: str, host: str = "mlflow:5000", origin: str | None = None, **body: Any) -> tuple[int, Any]:
        headers = {"Host": host, "Content-Type": "application/json", **({"Origin": origin} if origin else {})}
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/2.0/mlflow/{path}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def test_serves_keeps_its_books_and_shows_no_password(self) -> None:
        process = self.start()
        self.wait(process)
        self.assertEqual(self.call("experiments/create", name="kept", tags=[])[0], 200)
        for pid in [process.pid, *_children(process.pid)]:
            for what in ("cmdline", "environ"):
                shown = Path(f"/proc/{pid}/{what}").read_bytes().decode()
                self.assertNotIn(PASSWORD, shown)
                self.assertNotIn(PASSWORD.replace(":", r"\:"), shown)
        self.assertNotIn(PASSWORD[:12], self.output())
        self.assertEqual((self.root / "private/passfile").stat().st_mode & 0o777, 0o600)

        self.assertEqual(self.call("experiments/get?experiment_id=0", host="localhost:1")[0], 200)
        self.assertEqual(self.call("experiments/get?experiment_id=0", host="rebound.example")[0], 403)
        same = {"origin": "http://mlflow:5000", "experiment_ids": ["0"]}
        self.assertEqual(self.call("runs/search", **same)[0], 200)
        self.assertEqual(self.call("runs/search", **{**same, "origin": "http://elsewhere.example"})[0], 403)

        self._asks_for_few_connections()
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        self.assertEqual(process.returncode, 0, self.output()[-2000:])

        # The next start finds the tables as they should be, and what was in them.
        again = self.start()
        self.wait(again)
        status, answer = self.call("experiments/get-by-name?experiment_name=kept")
        self.assertEqual((status, answer["experiment"]["name"]), (200, "kept"))

    def test_keeps_artifacts_in_a_bucket(self) -> None:
        """Not proved: S3 itself, and the pod's identity there."""
        bucket = Bucket()
        self.addCleanup(bucket.close)
        process = self.start(
            MILLWRIGHT_ARTIFACTS="s3://artifacts/mlflow",
            MLFLOW_S3_ENDPOINT_URL=f"http://127.0.0.1:{bucket.port}",
            AWS_ACCESS_KEY_ID="id",
            AWS_SECRET_ACCESS_KEY="key",
            AWS_DEFAULT_REGION="us-east-2",
            AWS_REQUEST_CHECKSUM_CALCULATION="when_required",
        )
        self.wait(process)
        path = f"http://127.0.0.1:{self.port}/api/2.0/mlflow-artifacts/artifacts/0/run/model.onnx"
        for method, body in (("PUT", b"weights"), ("GET", None)):
            request = urllib.request.Request(path, body, {"Host": "mlflow:5000"}, method=method)
            with urllib.request.urlopen(request, timeout=60) as response:
                answer = response.read()
        self.assertEqual(answer, b"weights")
        self.assertEqual(bucket.objects, {"/artifacts/mlflow/0/run/model.onnx": b"weights"})

    def test_an_upgrade_that_was_killed_is_made_again(self) -> None:
        # By its name it runs first, on a database without tables. Moments later there are some, in an open transaction.
        for delay in (0.1, 0.5, 1.0):
            process = self.start()
            support.wait_for(lambda: "Updating database tables" in self.output(), "the upgrade", 60)
            children = _children(process.pid)
            time.sleep(delay)
            for pid in (process.pid, *children):
                os.kill(pid, signal.SIGKILL)
            process.wait()
            self.assertNotIn("Uvicorn running", self.output())
        process = self.start()
        self.wait(process)
        self.assertEqual(self.call("experiments/get?experiment_id=0")[0], 200)

    def _asks_for_few_connections(self) -> None:
        """However many ask at the same time: what the database plans for is REGISTRY_CLIENTS of the component."""
        asked = [
            threading.Thread(target=self.call, args=(path,))
            for path in ("experiments/get?experiment_id=0", "registered-models/search?max_results=5") * 20
        ]
        for thread in asked:
            thread.start()
        for thread in asked:
            thread.join()
        uri = {"host": "127.0.0.1", "port": self.postgres.port, "user": USER, "password": PASSWORD, "dbname": DATABASE}
        with contextlib.closing(psycopg2.connect(**uri)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", (DATABASE,)
            )
            held = cursor.fetchone()[0]
        self.assertGreater(held, 0)
        self.assertLessEqual(held, 8)

    def test_sigterm_ends_an_upgrade(self) -> None:
        process = self.start()
        support.wait_for(lambda: _children(process.pid) != [], "the upgrade", 30)
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        self.assertEqual(process.returncode, 143, self.output()[-2000:])

    def test_a_wrong_environment_ends_it_with_a_sentence(self) -> None:
        process = self.start(MILLWRIGHT_DATABASE_PORT="x")
        process.wait(30)
        self.assertEqual(process.returncode, 64)
        self.assertIn('MILLWRIGHT_DATABASE_PORT is "x", must be a port', self.termination.read_text())


class Bucket:
    """As much of S3 as it takes to put an object and to get it, below one folder."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        objects = self.objects

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self) -> None:  # noqa: N802
                objects[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(b"")

            def do_HEAD(self) -> None:  # noqa: N802
                self.answer(objects.get(self.path))

            def do_GET(self) -> None:  # noqa: N802
                # MLflow asks first what is below the path: nothing, since it is no folder.
                is_listing = "?list-type=2" in self.path
                self.answer(b"<ListBucketResult></ListBucketResult>" if is_listing else objects.get(self.path))

            def answer(self, body: bytes | None) -> None:
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.send_header("ETag", '"1"')
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


if __name__ == "__main__":
    unittest.main()
