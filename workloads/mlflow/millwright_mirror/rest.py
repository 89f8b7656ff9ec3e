"""HTTP with JSON, as MLflow speaks it: one call a connection, no call without a time limit."""

from __future__ import annotations

import http.client
import json
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode, urlsplit

REQUEST_SECONDS = 60

ABSENT = "RESOURCE_DOES_NOT_EXIST"


class RestError(Exception):
    """MLflow refused, failed, or could not be reached."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code
        """MLflow's own word for what is wrong; empty where it did not answer."""


class Rest:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f'"{url}" must be http://host:port')
        self._host = parts.hostname
        self._port = parts.port or 80

    def get(self, path: str, /, **query: str) -> dict[str, Any]:
        return self._json("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, /, **body: Any) -> dict[str, Any]:
        return self._json("POST", path, body)

    def delete(self, path: str, /, **body: Any) -> dict[str, Any]:
        return self._json("DELETE", path, body)

    def put_file(self, path: str, content: BinaryIO | bytes, size: int) -> None:
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        self._send("PUT", quote(path), content, headers)

    def _json(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode("utf-8")
        text = self._send(method, path, data, {} if data is None else {"Content-Type": "application/json"})
        try:
            answer = json.loads(text)
        except ValueError as error:
            raise RestError(f"{method} {path}: the answer is not JSON") from error
        if not isinstance(answer, dict):
            raise RestError(f"{method} {path}: the answer is no object")
        return answer

    def _send(self, method: str, path: str, data: BinaryIO | bytes | None, headers: dict[str, str]) -> bytes:
        place = f"{method} http://{self._host}:{self._port}{path}"
        connection = http.client.HTTPConnection(self._host, self._port, timeout=REQUEST_SECONDS)
        try:
            connection.request(method, path, data, {**headers, "Accept": "application/json"})
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise RestError(f"{place}: {error!r}") from error
        finally:
            connection.close()
        if response.status >= 400:
            code, message = _refusal(text)
            raise RestError(f"{place}: {response.status} {message}", code)
        return text


def _refusal(text: bytes) -> tuple[str, str]:
    """MLflow's code and message; what stands before it may answer something else."""
    try:
        answer = json.loads(text)
        return str(answer.get("error_code", "")), str(answer.get("message", ""))
    except (ValueError, AttributeError):
        return "", text[:200].decode("utf-8", "replace")
