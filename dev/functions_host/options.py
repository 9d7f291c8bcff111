"""How a host is to run: the choices that the command line and the tests make."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LEASE_SECONDS = 600  # fixed in the storage extension
DRAIN_LIMIT_SECONDS = 10.0  # the real host waits this long after SIGTERM before it ends the worker


@dataclass(frozen=True)
class HostOptions:
    """The choices, with the real host's values as defaults.

    Attributes:
        settings: app settings; they become environment variables where none of that name exists.
        port: 0 takes a free one.
        engine: `worker` or `direct`; None takes the worker library where it exists.
        queue_lease_seconds: how long a fetched message stays invisible. The real host's 600 cannot be changed;
            here it can, so that tests see a crashed worker's message again within seconds.
        state_dir: where timers keep their status; None means `.local-world/functions-host` in the app.
        keys: keys to use instead of random ones, by the names that `keys.new_keys` explains.
        drain_limit_seconds: how long running functions may go on after a stop.
        sign_in: sign made-up people in, as App Service authentication would in front of the host.
    """

    app_dir: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = 7071
    address: str = "127.0.0.1"
    enable_auth: bool = False
    engine: str | None = None
    queue_lease_seconds: int = LEASE_SECONDS
    state_dir: Path | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    drain_limit_seconds: float = DRAIN_LIMIT_SECONDS
    sign_in: bool = False

    @property
    def timer_state_dir(self) -> Path:
        """Return the directory that is meant when none is given."""
        return self.state_dir or self.app_dir / ".local-world" / "functions-host"
