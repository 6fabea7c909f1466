"""A connection to the gate: JSON-RPC 2.0, one line out, one line in."""

import json
import socket
import threading
from typing import Any, Dict, Optional

from .request import prepare, to_json

LONGEST_ANSWER = 8 * 1024 * 1024


class GateUnavailable(ConnectionError):
    """No answer, for whatever reason. It means no."""


class GateCallError(Exception):
    """The gate refused a call."""

    def __init__(self, code: int, message: str, fault: Optional[str]) -> None:
        super().__init__(message)
        self.code = code
        self.fault = fault


class GateClient:
    """Every failure is an exception, and every exception means that the action must not happen.

    >>> with GateClient("/run/raypher/gate.sock") as gate:
    ...     answer = gate.check({"v": 1, "action": "file.write", "target": "/srv/a.txt"})
    ...     allowed = answer["verdict"] == "ALLOW"

    Threads may share one; calls happen one after the other.
    """

    def __init__(self, path: str, timeout: float = 5.0) -> None:
        """Connects. `timeout` is in seconds, for each step of waiting."""
        self._lock = threading.Lock()
        self._last_id = 0
        self._unread = b""
        self._timeout = timeout
        self._socket: Optional[socket.socket] = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(path)
        except OSError as error:
            self.close()
            raise GateUnavailable(f"there is no gate at {path}") from error

    def __enter__(self) -> "GateClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def check(
        self,
        request: Dict[str, Any],
        permit: Optional[str] = None,
        issue: Optional[bool] = None,
        subject: Optional[str] = None,
        wait: Optional[float] = None,
    ) -> Dict[str, Any]:
        """Whether an action may happen. `issue` asks for a permit with an ALLOW.

        `wait` waits that many seconds for a person where the policy wants one asked.
        """
        return self._call(
            "gate_check",
            patience=wait,
            request=prepare(request),
            permit=permit,
            issue=issue,
            subject=subject,
            **_waiting(wait),
        )

    def approval_result(self, approval: str, wait: Optional[float] = None) -> Dict[str, Any]:
        """What a person said about a question that `check` put; a yes comes as a permit, once."""
        return self._call("approval_result", patience=wait, approval=approval, **_waiting(wait))

    def hash_car(self, request: Dict[str, Any]) -> Dict[str, Any]:
        return self._call("hash_car", request=prepare(request))

    def verify_permit(self, permit: str, car: str, subject: Optional[str] = None) -> Dict[str, Any]:
        """Takes one use of a permit."""
        return self._call("verify_permit", permit=permit, car=car, subject=subject)

    def create_permit(
        self,
        car: str,
        subject: str,
        verdict: str,
        lifetime_ms: Optional[int] = None,
        uses: Optional[int] = None,
    ) -> Dict[str, Any]:
        """On the privileged socket."""
        return self._call(
            "create_permit", car=car, subject=subject, verdict=verdict, lifetime_ms=lifetime_ms, uses=uses
        )

    def cache_get(self, car: str, revision: int, subject: Optional[str] = None) -> Dict[str, Any]:
        return self._call("cache_get", car=car, revision=revision, subject=subject)

    def cache_put(
        self, car: str, subject: str, revision: int, verdict: str, rule: str, reason: str
    ) -> Dict[str, Any]:
        """On the privileged socket."""
        return self._call(
            "cache_put", car=car, subject=subject, revision=revision, verdict=verdict, rule=rule, reason=reason
        )

    def cache_invalidate(self, car: Optional[str] = None, subject: Optional[str] = None) -> Dict[str, Any]:
        """On the privileged socket."""
        return self._call("cache_invalidate", car=car, subject=subject)

    def cache_stats(self) -> Dict[str, Any]:
        return self._call("cache_stats")

    def check_replay(self, nonce: str, lifetime_ms: int) -> Dict[str, Any]:
        return self._call("check_replay", nonce=nonce, lifetime_ms=lifetime_ms)

    def replay_stats(self) -> Dict[str, Any]:
        return self._call("replay_stats")

    def ping(self) -> Dict[str, Any]:
        return self._call("ping")

    def version(self) -> Dict[str, Any]:
        return self._call("version")

    def _call(self, method: str, patience: Optional[float] = None, **params: Any) -> Dict[str, Any]:
        given = {name: value for name, value in params.items() if value is not None}
        with self._lock:
            self._last_id += 1
            call = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": given}
            line = to_json(call).encode("ascii") + b"\n"
            try:
                answer = self._exchange(line, patience or 0.0)
                if not isinstance(answer, dict) or answer.get("id") != self._last_id:
                    raise ValueError(_complaint(answer))
            except (OSError, ValueError) as error:
                # What comes next on this connection could be the answer to this call.
                self.close()
                raise GateUnavailable(str(error)) from error
        if "error" in answer:
            raise _call_error(answer["error"])
        result = answer.get("result")
        if not isinstance(result, dict):
            raise GateUnavailable(f"the gate's answer to {method} is malformed")
        return result

    def _exchange(self, line: bytes, patience: float) -> Any:
        if self._socket is None:
            raise OSError("the connection to the gate is closed")
        self._socket.settimeout(self._timeout + patience)
        self._socket.sendall(line)
        parts = [self._unread]
        size = len(self._unread)
        while b"\n" not in parts[-1]:
            part = self._socket.recv(65536)
            size += len(part)
            if part == b"":
                raise OSError("the gate closed the connection")
            if size > LONGEST_ANSWER:
                raise ValueError("the gate sent too long a line")
            parts.append(part)
        answer, _, self._unread = b"".join(parts).partition(b"\n")
        return json.loads(answer.decode("utf-8"))


def _waiting(seconds: Optional[float]) -> Dict[str, Any]:
    return {} if seconds is None else {"wait": True, "wait_ms": max(1, round(seconds * 1000))}


def _complaint(answer: Any) -> str:
    if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
        return str(answer["error"].get("message"))
    return "the gate answered what was not asked"


def _call_error(error: Any) -> GateCallError:
    details = error if isinstance(error, dict) else {}
    data = details.get("data") or {}
    message = data.get("detail") or details.get("message") or "refused"
    return GateCallError(int(details.get("code", 0)), str(message), data.get("fault") or data.get("code"))
