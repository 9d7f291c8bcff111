"""Who may call what: master, host, function and system keys, as the real host checks them."""

import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dev.functions_host.functions import AppError

EVENT_GRID_KEY = "eventgrid_extension"
KEY_HEADER = "x-functions-key"
KEY_QUERY = "code"
_ANONYMOUS, _FUNCTION, _SYSTEM, _ADMIN = "anonymous", "function", "system", "admin"


@dataclass
class KeyStore:
    """All keys of one host. Keys can be changed while it runs, through the admin endpoints."""

    master: str
    host: dict[str, str]
    system: dict[str, str]
    functions: dict[str, dict[str, str]] = field(default_factory=dict)

    def may_call(self, function: str, level: str, key: str | None) -> bool:
        """Return whether the key opens an HTTP function of that auth level. The master key opens all of them."""
        required = level.lower() or _FUNCTION
        if required == _ANONYMOUS or self.is_master(key):
            return True
        if required == _FUNCTION:
            return _is_among(key, [*self.host.values(), *self.functions.get(function, {}).values()])
        return required == _SYSTEM and _is_among(key, self.system.values())

    def may_call_webhook(self, extension_key: str, key: str | None) -> bool:
        """Return whether the key opens an extension's webhook: its own system key or the master key."""
        return self.is_master(key) or _is_among(key, [self.system.get(extension_key, "")])

    def is_master(self, key: str | None) -> bool:
        """Return whether this is the master key, the only one that opens the admin endpoints."""
        return _is_among(key, [self.master])

    def as_json(self) -> dict[str, object]:
        """Return all keys, for the ready file."""
        return {"master": self.master, "host": self.host, "system": self.system, "functions": self.functions}


def new_keys(functions: Iterable[str], given: Mapping[str, str] | None = None) -> KeyStore:
    """Make fresh random keys, except where one is given.

    Args:
        functions: names of the functions that get a key `default` of their own.
        given: by name: `master`, `host/<name>`, `system/<name>` or `function/<function>/<name>`.

    Raises:
        AppError: a given name has another form.
    """
    own = {name: {"default": new_key()} for name in functions}
    store = KeyStore(new_key(), {"default": new_key()}, {EVENT_GRID_KEY: new_key()}, own)
    for name, value in (given or {}).items():
        _put(store, name, value)
    return store


def new_key() -> str:
    """Return a random key that needs no escaping in a URL."""
    return secrets.token_urlsafe(40)


def presented_key(headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    """Return the key of a request: the header wins over `?code=`."""
    return headers.get(KEY_HEADER) or query.get(KEY_QUERY)


def _put(store: KeyStore, name: str, value: str) -> None:
    match name.split("/"):
        case ["master"]:
            store.master = value
        case ["host", key]:
            store.host[key] = value
        case ["system", key]:
            store.system[key] = value
        case ["function", function, key]:
            store.functions.setdefault(function, {})[key] = value
        case _:
            raise AppError(f"key name '{name}': use master, host/NAME, system/NAME or function/FUNCTION/NAME")


def _is_among(key: str | None, accepted: Iterable[str]) -> bool:
    if not key:
        return False
    return any(good and hmac.compare_digest(key.encode(), good.encode()) for good in accepted)
