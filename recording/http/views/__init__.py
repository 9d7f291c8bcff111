"""The JSON of this app: one model for each answer, the same over HTTP and on the command line.

One dialect: names in camelCase, times in ISO 8601 with `Z`, durations in whole seconds under names that end in
`Seconds`, and null for what is not known. No Azure here, because the command line loads it too.
"""

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class View(BaseModel):
    """One JSON object."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")

    def plain(self) -> dict[str, Any]:
        """Return a value for `json.dumps`."""
        return self.model_dump(mode="json", by_alias=True)


def in_json(value: object) -> str:
    """Return text for types that JSON lacks, times in ISO 8601: the `default` of `json.dumps`."""
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def seconds(length: timedelta | None) -> int | None:
    """Return a duration in whole seconds."""
    return None if length is None else round(length.total_seconds())
