"""The two calls to the Kubernetes API a recorder makes, tried again while another try can help."""

from __future__ import annotations

import http.client
import json
import random
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REQUEST_SECONDS = 15
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0

WORTH_ANOTHER_TRY = (401, 403, 408, 429)
"""Beside all of 5xx. A token may have been renewed since it was read; a binding may be younger than the authoriser's
last look, so a refusal counts only when it lasts."""

REFUSAL_SECONDS = 60.0
"""How long a refusal (401, 403) must last to be believed."""


class ApiError(Exception):
    """An answer that another try would not change."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """The API server as the pod's account sees it. The token is read for each call, since the kubelet renews it."""

    def __init__(
        self,
        host: str,
        port: int,
        account: Path,
        pause: Callable[[float], None] = time.sleep,
        patience_seconds: float = 600,
    ) -> None:
        self._host = host
        self._port = port
        self._account = account
        self._pause = pause
        self._patience = patience_seconds

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer's object.

        Raises ApiError for what is refused, and after `patience_seconds` of an API server that cannot be reached, fails or
        asks to wait.
        """
        began = time.monotonic()
        pause = FIRST_PAUSE_SECONDS
        while True:
            wait: float | None = None
            try:
                status, answer, wait = self._once(method, path, body)
                if status < 400:
                    return answer
                problem = ApiError(status, f"{method} {path}: {status} {answer.get('message', '')}".strip())
                if status < 500 and status not in WORTH_ANOTHER_TRY:
                    raise problem
            except (OSError, http.client.HTTPException, ValueError) as error:
                problem = ApiError(0, f"{method} {self._host}:{self._port}{path}: {error!r}")
            patience = min(self._patience, REFUSAL_SECONDS) if problem.status in (401, 403) else self._patience
            if time.monotonic() - began > patience:
                raise problem
            print(f"recorder: {problem}; trying again", flush=True)
            self._pause(max(pause * random.uniform(0.5, 1), wait or 0))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _once(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any], float | None]:
        token = (self._account / "token").read_text(encoding="utf-8").strip()
        connection = self._connection()
        try:
            data = None if body is None else json.dumps(body).encode("utf-8")
            headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
            if data is not None:
                headers["Content-Type"] = "application/json"
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            text = response.read()
            retry_after = response.getheader("Retry-After", "")
        finally:
            connection.close()
        if response.status >= 400:
            return response.status, _status(text), float(retry_after) if retry_after.isdecimal() else None
        return response.status, json.loads(text), None

    def _connection(self) -> http.client.HTTPConnection:
        authority = self._account / "ca.crt"
        context = ssl.create_default_context(cafile=str(authority))
        return http.client.HTTPSConnection(self._host, self._port, timeout=REQUEST_SECONDS, context=context)


def _status(text: bytes) -> dict[str, Any]:
    """The Status object of a failure; a proxy on the way may answer something else."""
    try:
        answer = json.loads(text)
    except ValueError:
        return {"message": text[:200].decode("utf-8", "replace")}
    return answer if isinstance(answer, dict) else {"message": str(answer)[:200]}
