"""The program `recordings`: its commands, and the options that say which app is meant."""

from pathlib import Path
from typing import Annotated

import typer

from recording import __version__
from recording.cli import decide, handover, keep, library, outgoing, prove, seal
from recording.cli.connect import target
from recording.cli.connect.session import UNKNOWN, Session
from recording.cli.doctor import doctor
from recording.cli.get import derived, get
from recording.cli.keep import erasing
from recording.cli.ls import list_attention, ls
from recording.cli.show import show
from recording.cli.status import status
from recording.cli.trail import trail
from recording.errors import RequestError
from recording.settings import use_settings_file, use_settings_of_app

HELP = """Inspect, verify and repair a recording archive.

Works on the app whose settings are in the environment, in a file (`--settings local.settings.json`), or deployed in
Azure (`--app NAME -g GROUP`, or `--env AZD-ENVIRONMENT`); the latter as the signed-in person (`az login`).

Exit codes: 0 fine; 1 something needs attention or differs; 2 the command failed, or did nothing.
"""

app = typer.Typer(
    name="recordings",
    help=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"recordings {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(  # noqa: PLR0917 - typer takes options as parameters
    context: typer.Context,
    settings: Annotated[
        Path | None, typer.Option("--settings", metavar="FILE", help="local.settings.json; else the environment")
    ] = None,
    name: Annotated[str | None, typer.Option("--app", metavar="NAME", help="the function app in Azure")] = None,
    group: Annotated[
        str | None, typer.Option("--resource-group", "-g", metavar="GROUP", help="its resource group")
    ] = None,
    environment: Annotated[
        str | None, typer.Option("--env", metavar="NAME", help="the app that this azd environment deployed")
    ] = None,
    subscription: Annotated[
        str | None, typer.Option("--subscription", metavar="ID", help="of the app; default: all that you can see")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Say which app is meant."""
    del version
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(UNKNOWN)
    session: Session = context.obj
    session.is_named = any((name, group, environment, settings))
    target.check_together(name, group, environment, settings)
    if settings:
        use_settings_file(settings)
    if environment:
        name, group, found = target.app_of_environment(environment, Path.cwd())
        subscription = subscription or found
    if name and group:
        _use_deployed(session, name, group, subscription)


def _use_deployed(session: Session, name: str, group: str, subscription: str | None) -> None:
    """Take the settings of an app in Azure, for the person who is signed in."""
    if session.read_app is None:
        raise RequestError("a deployed app cannot be read here")
    found = session.read_app(name, group, subscription)
    use_settings_of_app(target.settings_for_a_person(found.settings))
    session.app, session.caller, session.target = found, found.caller, f"{name} in {group}"
    session.hint = target.network_hint(found.host, is_in_network=found.is_in_network)


app.command(rich_help_panel="Look")(status)
app.command(rich_help_panel="Look")(ls)
app.command("list", hidden=True)(list_attention)
app.command(rich_help_panel="Look")(show)
app.command(rich_help_panel="Look")(trail)
app.command(rich_help_panel="Library")(library.find)
app.command(rich_help_panel="Library")(library.tag)
app.command(rich_help_panel="Library")(library.rebuild)
app.command(rich_help_panel="Library")(library.reindex)
app.command("import", rich_help_panel="Library")(library.import_files)
app.command(rich_help_panel="Keep")(keep.hold)
app.command(rich_help_panel="Keep")(keep.release)
app.command(rich_help_panel="Keep")(keep.holds)
app.command(rich_help_panel="Keep")(keep.explain)
app.command(rich_help_panel="Keep")(keep.rules)
app.command(rich_help_panel="Keep")(erasing.erase)
app.command(rich_help_panel="Keep")(erasing.approve)
app.command(rich_help_panel="Prove")(get)
app.command(rich_help_panel="Prove")(prove.verify)
app.command(rich_help_panel="Prove")(prove.drift)
app.command(rich_help_panel="Prove")(doctor)
app.command(rich_help_panel="Hand over")(handover.vcon)
app.add_typer(handover.app, name="export", rich_help_panel="Hand over")
app.add_typer(derived, name="derived", rich_help_panel="Library")
app.add_typer(outgoing.app, name="events", rich_help_panel="Hand over")
app.add_typer(seal.app, name="seal", rich_help_panel="Prove")
app.command(rich_help_panel="Decide")(decide.redrive)
app.command(rich_help_panel="Decide")(decide.retry)
app.command(rich_help_panel="Decide")(decide.accept)
app.command(rich_help_panel="Decide")(decide.dismiss)
