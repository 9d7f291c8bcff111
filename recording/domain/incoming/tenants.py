"""Tenants: callers that share one archive without seeing each other, and the tenant of a recording. Pure.

A tenant has its members by Entra group, app role or application, and owns what they start. A recording's tenant is set
once and never changes. Recordings without a tenant are visible only to those who see all. Without tenants there is no
scope, and nothing here is used (docs/adr/0047).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from recording.domain.ids import composed
from recording.domain.incoming.roles import Operation, Principal
from recording.errors import RequestError
from recording.errors.codes import Code

MOST_TENANTS = 50
_GUID = r"^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
Guid = Annotated[str, StringConstraints(pattern=_GUID, to_lower=True)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
RoleValue = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$")]
TagText = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(composed)]

WHOLE_ARCHIVE = frozenset({Operation.DEEP_HEALTH, Operation.GET_RULES, Operation.SET_RULES})
"""What is about all recordings at once, and cannot be answered or done for some of them."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Members(_Settings):
    """Callers, as their sign-in describes them.

    Attributes:
        groups: object ids of Entra groups.
        roles: values of app roles of the Entra application, beside those of this app; no limit of groups cuts them.
        apps: client ids of applications that call as themselves, not on behalf of people.
    """

    groups: tuple[Guid, ...] = ()
    roles: tuple[RoleValue, ...] = ()
    apps: tuple[Guid, ...] = ()

    def has(self, principal: Principal) -> bool:
        """Return whether this caller is a member."""
        return (
            not principal.groups.isdisjoint(self.groups)
            or not principal.role_values.isdisjoint(self.roles)
            or (principal.app_id is not None and principal.app_id in self.apps)
        )

    @property
    def is_empty(self) -> bool:
        """Return whether nobody can be a member."""
        return not (self.groups or self.roles or self.apps)


class Tenant(Members):
    """One tenant; `tag_values` are the values of the tag that select it."""

    name: Name
    tag_values: tuple[TagText, ...] = ()


class Tenants(_Settings):
    """The setting TENANTS.

    Attributes:
        see_all: callers who see every recording, including those without a tenant.
        tag: the tag whose value selects the tenant at a start, or assigns a recording without a tenant.
        started_elsewhere: the tenant of recordings that this app did not start; None: none.
    """

    tenants: Annotated[tuple[Tenant, ...], Field(min_length=1, max_length=MOST_TENANTS)]
    see_all: Members = Members()
    tag: TagText | None = None
    started_elsewhere: Name | None = None

    @model_validator(mode="after")
    def _is_unambiguous(self) -> Self:
        names = [tenant.name for tenant in self.tenants]
        values = [value for tenant in self.tenants for value in tenant.tag_values]
        if len(set(names)) != len(names) or len(set(values)) != len(values):
            raise ValueError("each name and each tag value must be of one tenant only")
        if values and self.tag is None:
            raise ValueError("tagValues need a tag")
        if self.started_elsewhere not in (None, *names):
            raise ValueError("startedElsewhere must name a tenant")
        return self

    def of_tag(self, tags: Mapping[str, str], among: Iterable[str] | None = None) -> str | None:
        """Return the tenant that the tag selects; only one of `among`, if given."""
        value = tags.get(self.tag) if self.tag is not None else None
        found = next((tenant.name for tenant in self.tenants if value in tenant.tag_values), None)
        return found if among is None or found in set(among) else None


@dataclass(frozen=True)
class Scope:
    """The recordings that a caller may see: those of these tenants. Without a scope (None), all of them."""

    tenants: frozenset[str]

    def covers(self, tenant: str | None) -> bool:
        """Return whether recordings of this tenant are visible; those without a tenant never are."""
        return tenant in self.tenants

    def covers_all(self, tenants: Iterable[str] | None) -> bool:
        """Return whether recordings of all these tenants are visible; None stands for the whole archive."""
        return tenants is not None and self.tenants.issuperset(tenants)

    @property
    def mark(self) -> str:
        """Return a canonical text for these tenants."""
        return ",".join(sorted(self.tenants))


def scope_of(principal: Principal, tenants: Tenants) -> Scope | None:
    """Return the scope of a signed-in caller; None: everything.

    Raises:
        RequestError: `groups_left_out` (403), the sign-in has too many groups to list them; `tenant_missing` (403),
            the caller belongs to no tenant.
    """
    if tenants.see_all.has(principal):
        return None
    names = frozenset(tenant.name for tenant in tenants.tenants if tenant.has(principal))
    if names:
        return Scope(names)
    if principal.groups_left_out:
        message = "the caller is in more groups than a token holds; assign an app role instead, or filter the groups"
        raise RequestError(message, code=Code.GROUPS_LEFT_OUT)
    raise RequestError("the caller belongs to no tenant of this archive", code=Code.TENANT_MISSING)


def only_one(tenants: Iterable[str] | None) -> str | None:
    """Return the tenant, if there is exactly one; None for several, and for the whole archive."""
    names = list(tenants or ())
    return names[0] if len(names) == 1 else None


def names_of(tenants: Tenants | None) -> frozenset[str]:
    """Return the names of all tenants; none where the archive has none."""
    return frozenset(tenant.name for tenant in tenants.tenants) if tenants is not None else frozenset()


def may(scope: Scope | None, tenant: str | None, operation: Operation) -> bool:
    """Return whether a caller with this scope may do this with a recording of this tenant.

    The app role decides what a caller may do, the tenant where. Operations on the whole archive are only for those who
    see all of it.
    """
    return scope is None or (operation not in WHOLE_ARCHIVE and scope.covers(tenant))


def check_may_ask(scope: Scope | None, operation: Operation) -> None:
    """Check that the operation may be requested within this scope.

    Raises:
        RequestError: `whole_archive_only` (403); it reveals nothing about any recording.
    """
    if scope is not None and operation in WHOLE_ARCHIVE:
        raise RequestError("this is about the whole archive", code=Code.WHOLE_ARCHIVE_ONLY)


def owner_at_start(tenants: Tenants | None, scope: Scope | None, tags: Mapping[str, str]) -> str | None:
    """Return the tenant of a recording that this caller starts with these tags; None: none.

    Raises:
        RequestError: `tenant_not_told`: the tag selects none of the caller's tenants, or there are several and no tag.
    """
    if tenants is None or scope is None:
        return tenants.of_tag(tags) if tenants is not None else None
    is_told = tenants.tag is not None and tenants.tag in tags
    found = tenants.of_tag(tags, scope.tenants)
    if found is None and not is_told and len(scope.tenants) == 1:
        return next(iter(scope.tenants))
    if found is None:
        message = f"the tag {tenants.tag} must name a tenant of the caller" if tenants.tag else "no tag names tenants"
        raise RequestError(message, code=Code.TENANT_NOT_TOLD)
    return found


def owner_after_tagging(tenants: Tenants | None, owner: str | None, tags: Mapping[str, str]) -> str | None:
    """Return the tenant of a recording once it has these tags: a tag can only assign one without a tenant.

    Raises:
        RequestError: `tenant_fixed` (409): the tag selects another tenant than the recording's.
    """
    if tenants is None or tenants.tag is None or tenants.tag not in tags:
        return owner
    if owner is None:
        return tenants.of_tag(tags)
    if tenants.of_tag(tags, (owner,)) is None:
        message = f"the tag {tenants.tag} must name the tenant that the recording belongs to"
        raise RequestError(message, code=Code.TENANT_FIXED)
    return owner


def owner_elsewhere(tenants: Tenants | None, owner: str | None) -> str | None:
    """Return the tenant of a recording that is known from an event only, without a start."""
    return owner or (tenants.started_elsewhere if tenants is not None else None)
