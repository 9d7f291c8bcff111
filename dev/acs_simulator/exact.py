"""The base of the simulator's own JSON documents."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Exact(BaseModel):
    """Our own JSON: camelCase as everywhere around ACS, snake_case taken too; unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)
