"""The made-up people whom the local world signs in, each with other roles; and the program that scripts are."""

from dataclasses import dataclass
from uuid import NAMESPACE_DNS, uuid5


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in; `roles` are values of app roles."""

    name: str
    roles: tuple[str, ...]
    what: str

    @property
    def object_id(self) -> str:
        """Return the id that the platform vouches for, always the same for a name."""
        return str(uuid5(NAMESPACE_DNS, self.name))

    @property
    def claims(self) -> list[dict[str, str]]:
        """Return the claims as App Service lists them."""
        known = {
            "name": self.name,
            "http://schemas.microsoft.com/identity/claims/objectidentifier": self.object_id,
            "iss": "https://login.example/local/v2.0",
        }
        listed = [{"typ": kind, "val": value} for kind, value in known.items()]
        return listed + [{"typ": "roles", "val": role} for role in self.roles]


PEOPLE = (
    Person("Rita Read", ("Recording.Read",), "finds recordings and sees their facts"),
    Person("Liam Listen", ("Recording.Listen",), "also hears them"),
    Person("Cora Control", ("Recording.Control",), "finds recordings, changes tags, hears nothing"),
    Person("Tariq Team-Lead", ("Recording.Listen", "Recording.Control"), "hears them and changes tags"),
    Person("Hana Hold", ("Recording.Hold",), "keeps recordings for a case and releases them"),
    Person("Enzo Export", ("Recording.Export",), "has bundles made and takes them"),
    Person("Iris Erase", ("Recording.Erase",), "asks for erasures, and approves those of others"),
    Person("Bo Second-Person", ("Recording.Erase",), "the same: who asks cannot approve"),
    Person("Ada Admin", ("Recording.Admin",), "may do everything"),
    Person("دانة كريم", ("Recording.Listen",), "the same as Liam, with a name that reads from right to left"),
    Person("Nils Norole", (), "is signed in and has no role"),
)
PROGRAM = Person("a program of this machine", ("Recording.Admin",), "scripts, which would send a token")
