"""Copy a frozen model with checked changes: pydantic's `model_copy` accepts any name and any value."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


def with_changes(record: M, changes: Mapping[str, object]) -> M:
    """Return the model with these changes.

    Raises:
        TypeError: a name that the model does not have, or a value of the wrong type. The message repeats no value.
    """
    model = type(record)
    if unknown := changes.keys() - model.model_fields.keys():
        raise TypeError(f"a {model.__name__} has no {', '.join(sorted(unknown))}")
    try:
        # `dict(record)` yields one field after the other, which takes longer than to check them all
        return model.model_validate({**vars(record), **(record.model_extra or {}), **changes}, strict=True)
    except ValidationError as error:
        wrong = sorted({str(fault["loc"][0]) for fault in error.errors()})
        raise TypeError(f"a {model.__name__} does not accept the value of {', '.join(wrong)}") from None
