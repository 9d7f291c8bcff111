"""A small client of the app's own HTTP API, as any caller would write one."""

import json
from typing import Any

import urllib3

JSON = dict[str, Any]


class ApiError(Exception):
    """The API answered with a problem document; `code` is its stable code."""

    def __init__(self, status: int, problem: JSON) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.code = problem.get("code")
        self.problem = problem


class RecordingApi:
    """Start, look at, pause, resume and stop recordings through the functions."""

    def __init__(self, base_url: str, key: str | None = None) -> None:
        self._base = f"{base_url}/api"
        self._headers = {"x-functions-key": key} if key else {}
        self._pool = urllib3.PoolManager(retries=False, timeout=60.0)

    def start(self, body: JSON, idempotency_key: str | None = None) -> JSON:
        """Start a recording. Raises ApiError."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._call("POST", "recordings", body, headers)

    def get(self, recording_id: str) -> JSON:
        """Return what is known of a recording. Raises ApiError."""
        return self._call("GET", f"recordings/{recording_id}")

    def act(self, recording_id: str, action: str) -> JSON:
        """Send `pause`, `resume` or `stop`. Raises ApiError."""
        return self._call("POST", f"recordings/{recording_id}/{action}")

    def held_count(self) -> int:
        """Return how many items need attention. Raises ApiError."""
        return int(self._call("GET", "held")["count"])

    def _call(self, method: str, path: str, body: JSON | None = None, headers: dict[str, str] | None = None) -> JSON:
        data = json.dumps(body).encode() if body is not None else None
        all_headers = {"Content-Type": "application/json", **self._headers, **(headers or {})}
        answer = self._pool.request(method, f"{self._base}/{path}", body=data, headers=all_headers)
        content: JSON = json.loads(answer.data) if answer.data else {}
        if answer.status >= 400:
            raise ApiError(answer.status, content)
        return content
