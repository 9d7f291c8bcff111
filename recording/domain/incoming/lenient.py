"""Read values as other writers send them: times, texts, numbers and names in several forms."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

_NO_TIME = "must be a time in ISO 8601, such as 2026-05-04T09:30:00Z"


def read_time(value: object) -> datetime:
    """Return an aware UTC time from ISO 8601 with any number of fraction digits (ACS writes seven).

    Raises:
        ValueError: when it is not one.
    """
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str):
        moment = _moment(value)
    else:
        raise ValueError(_NO_TIME)  # noqa: TRY004 - pydantic validators answer with ValueError
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:  # the first or last day of the calendar, in another zone
        raise ValueError("not a time that UTC can express") from error


def _moment(text: str) -> datetime:
    """Read ISO 8601, fractions cut to microseconds; Python's own message would repeat the value."""
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(_NO_TIME) from None


def _or_none(value: object, read: ValidatorFunctionWrapHandler) -> Any:
    """Treat an optional fact in an unknown form as absent: it must not cost a recording."""
    try:
        return read(value)
    except ValidationError:
        return None


def _plain_index(value: object) -> object:
    """Refuse a boolean or a fraction as an index, since Python takes `True` for 1; some writers send 1.0 for 1."""
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError("an index must be a whole number")
    return int(value) if isinstance(value, float) else value


def encodable(text: str) -> str:
    """Return the text; refuse a lone surrogate, which JSON can contain but queues and tables do not accept."""
    text.encode()
    return text


Lenient = WrapValidator(_or_none)
Time = Annotated[datetime, BeforeValidator(read_time)]
Text = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(encodable)]
LocationText = Annotated[Text, BeforeValidator(lambda value: value.strip() if isinstance(value, str) else value)]
PlainIndex = Annotated[int, BeforeValidator(_plain_index)]
LenientText = Annotated[Annotated[Text, Field(max_length=1024)] | None, Lenient]
LenientNumber = Annotated[Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)] | None, Lenient]


class Tolerant(BaseModel):
    """A model that keeps unknown fields, and reads field names in any case."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _names_in_any_case(cls, content: Any) -> Any:
        """Read field names whatever their case: REST, events and metadata of ACS do not agree on one."""
        if not isinstance(content, Mapping):
            return content
        names = [field.alias or name for name, field in cls.model_fields.items()]
        known = {name.lower(): name for name in names}
        return {known.get(str(name).lower(), name): value for name, value in content.items()}
