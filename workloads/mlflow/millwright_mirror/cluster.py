"""The edge to the cluster: the ConfigMaps of runs, listed once and then followed. It only reads: so its role has it."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from .records import RUN_LABEL

REQUEST_SECONDS = 30
WATCH_SECONDS = 240
"""After so long the API server ends a watch; another goes on where it ended."""

PAGE = 200
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0

Opened = tuple[http.client.HTTPConnection, http.client.HTTPResponse]


class ClusterError(Exception):
    """The API server refused, or ended a watch for a reason of its own."""


class Cluster:
    def __init__(self, host: str, port: int, account: Path, namespace: str) -> None:
        self._host = host
        self._port = port
        self._account = account
        self._path = f"/api/v1/namespaces/{namespace}/configmaps"

    def list(self) -> tuple[list[dict[str, Any]], str]:
        """The ConfigMaps, and the version of the list that a watch goes on from."""
        items: list[dict[str, Any]] = []
        query = {"labelSelector": RUN_LABEL, "limit": str(PAGE)}
        while True:
            with _Call(self, query, REQUEST_SECONDS) as lines:
                answer = json.loads(b"".join(lines))
            items += answer["items"]
            metadata = answer["metadata"]
            if not metadata.get("continue"):
                return items, metadata["resourceVersion"]
            query["continue"] = metadata["continue"]

    def watch(self, version: str) -> Iterator[dict[str, Any]]:
        """Events since a version, until the API server ends the watch. Raises ClusterError, also for ERROR events."""
        query = {
            "labelSelector": RUN_LABEL,
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        with _Call(self, query, WATCH_SECONDS + REQUEST_SECONDS) as lines:
            for line in lines:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    status = event["object"]
                    raise ClusterError(f"{status.get('code')} {status.get('message')}")
                yield event

    def _open(self, query: dict[str, str], seconds: float) -> Opened:
        # Read for each call, since the kubelet renews it.
        token = (self._account / "token").read_text(encoding="utf-8").strip()
        context = ssl.create_default_context(cafile=str(self._account / "ca.crt"))
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=seconds, context=context)
        try:
            headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
            connection.request("GET", f"{self._path}?{urlencode(query)}", headers=headers)
            response = connection.getresponse()
            if response.status >= 400:
                message = response.read(1000).decode("utf-8", "replace")
                raise ClusterError(f"GET {self._path}: {response.status} {message}")
        except BaseException:
            connection.close()
            raise
        return connection, response


class _Call:
    """A call whose answer is read line by line."""

    def __init__(self, cluster: Cluster, query: dict[str, str], seconds: float) -> None:
        self._connection, self._response = cluster._open(query, seconds)

    def __enter__(self) -> Iterator[bytes]:
        return iter(self._response)

    def __exit__(self, *_: object) -> None:
        self._connection.close()


Put = Callable[[dict[str, Any]], None]


def follow(
    cluster: Cluster,
    replace: Callable[[list[dict[str, Any]]], None],
    put: Put,
    remove: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Tells of all ConfigMaps there are, then of each change, for ever. An API server that is away is asked again."""
    version: str | None = None
    wait = FIRST_PAUSE_SECONDS
    while True:
        try:
            if version is None:
                items, version = cluster.list()
                replace(items)
            for event in cluster.watch(version):
                version = event["object"]["metadata"]["resourceVersion"]
                wait = FIRST_PAUSE_SECONDS
                if event["type"] == "DELETED":
                    remove(event["object"]["metadata"]["name"])
                elif event["type"] in ("ADDED", "MODIFIED"):
                    put(event["object"])
        except (ClusterError, OSError, http.client.HTTPException, ValueError, KeyError) as error:
            # Whatever it was: a new list has what happened meanwhile, and versions are forgotten in time (410).
            version = None
            print(f"mirror: the cluster: {error!r}; trying again in {wait:.0f} s", flush=True)
            pause(wait)
            wait = min(2 * wait, LONGEST_PAUSE_SECONDS)
