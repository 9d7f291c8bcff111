"""Describe the faults of a body, field by field, in this project's words, without values or names of persons. Pure."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from recording.domain.ids import without_numbers

_LONGEST_NAME = 200  # of a field; an unknown one has the name that its sender gave it

# By pydantic's stable type of a fault; what is not listed keeps pydantic's own sentence.
_WORDS: Mapping[str, str] = {
    "extra_forbidden": "is not known here; is it misspelled?",
    "missing": "is missing",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_pattern_mismatch": "has characters that do not belong there",
    "string_unicode": "must be text without half characters",
    "int_parsing_size": "is too large",
    "finite_number": "must be a number",
    "string_too_short": "must have {min_length} characters or more",
    "string_too_long": "must have {max_length} characters or less",
    "too_short": "must have {min_length} entries or more",
    "too_long": "must have {max_length} entries or less",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
    "value_error": "{error}",
}


def faults_in(error: ValidationError, whole: str = "body", most: int | None = None) -> str:
    """Return each field with its fault.

    Args:
        error: What pydantic found.
        whole: What to call a fault of the body itself.
        most: The most faults to return; None returns all.
    """
    return "; ".join(_sentence(fault, whole) for fault in error.errors(include_url=False)[:most])


def _sentence(fault: Mapping[str, Any], whole: str) -> str:
    field = without_numbers(".".join(str(part) for part in fault["loc"]))[:_LONGEST_NAME] or whole
    words = _WORDS.get(fault["type"])
    return f"{field}: {words.format(**fault.get('ctx', {})) if words else fault['msg']}"
