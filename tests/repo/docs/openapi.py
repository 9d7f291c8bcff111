"""docs/openapi.yaml, read, and the check of an answer against one of its schemas."""

from typing import Any

import yaml
from openapi_schema_validator import OAS31Validator

from dev.policies.repository import DOCS

API: dict[str, Any] = yaml.safe_load((DOCS / "openapi.yaml").read_text(encoding="utf-8"))


def validator(schema: str) -> OAS31Validator:
    """What judges by the schema of this name."""
    return OAS31Validator({"$ref": f"#/components/schemas/{schema}", "components": API["components"]})


def check(schema: str, content: object) -> None:
    """Returns when the content is as described; raises what the validator found."""
    validator(schema).validate(content)
