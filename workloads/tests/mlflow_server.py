"""An MLflow server of a test's own, on SQLite and a free port and in a temporary folder, gone when the test ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from . import support

MLFLOW = support.WORKLOADS / "mlflow"
sys.path.insert(0, str(MLFLOW))

PROGRAM = Path(sys.executable).with_name("mlflow")
"""Of the virtual environment the tests run in, which has what the image pins."""

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore",
}


def answers(url: str, host: str = "localhost") -> bool:
    """Whether a GET is answered with 200."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": host}), timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


class MlflowServer:
    _tables: Path | None = None

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="millwright-mlflow-")
        self.root = Path(self._folder.name)
        self.artifacts = self.root / "artifacts"
        self.port = support.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        database = self.root / "mlflow.db"
        if MlflowServer._tables is None:
            # Made once for all servers of a test run: it is what takes longest.
            MlflowServer._tables = Path(tempfile.mkdtemp(prefix="millwright-mlflow-tables-")) / "mlflow.db"
            self._mlflow("db", "upgrade", f"sqlite:///{MlflowServer._tables}")
        shutil.copy(MlflowServer._tables, database)
        self._log = (self.root / "log").open("w")
        self._process = subprocess.Popen(
            [
                *(PROGRAM, "server", f"--backend-store-uri=sqlite:///{database}", "--serve-artifacts"),
                *(
                    f"--artifacts-destination={self.artifacts}",
                    "--host=127.0.0.1",
                    f"--port={self.port}",
                    "--workers=1",
                ),
            ],
            env={**os.environ, **_QUIET},
            stdout=self._log,
            stderr=self._log,
            cwd=self.root,
        )
        support.wait_for(self._is_up, "MLflow to answer", 90)

    def _is_up(self) -> bool:
        if self._process.poll() is not None:
            raise AssertionError(f"MLflow ended: {(self.root / 'log').read_text()[-4000:]}")
        return answers(f"{self.url}/health")

    def _mlflow(self, *arguments: str) -> None:
        done = subprocess.run(
            [PROGRAM, *arguments], env={**os.environ, **_QUIET}, cwd=self.root, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise AssertionError(f"mlflow {arguments[0]} failed: {done.stderr[-4000:]}")

    def close(self) -> None:
        # SIGTERM goes on to the server's worker, which ends first.
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        self._folder.cleanup()

    @staticmethod
    def forget_tables() -> None:
        if MlflowServer._tables is not None:
            shutil.rmtree(MlflowServer._tables.parent)
            MlflowServer._tables = None
