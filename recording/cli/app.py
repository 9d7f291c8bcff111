"""The program `recordings`: its commands, and the options that say which app is meant."""

from pathlib import Path
from typing import Annotated

import typer

from recording import __version__
from recording.cli import decide, prove
from recording.cli.doctor import doctor
from recording.cli.get import get
from recording.cli.ls import list_attention, ls
from recording.cli.session import Session
from recording.cli.show import show
from recording.cli.status import status
from recording.cli.trail import trail
from recording.settings import use_settings_file

HELP = """See, prove and put right what the recording archive holds.

Works on the app whose settings are in the environment, in a file (`--settings local.settings.json`), or deployed in
Azure (`--app NAME -g GROUP`, or `--env AZD-ENVIRONMENT`) as the person who is signed in (`az login`).

Exit codes: 0 fine; 1 something needs attention; 2 it could not be found out.
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


@app.callback()
def root(
    context: typer.Context,
    settings: Annotated[
        Path | None, typer.Option("--settings", metavar="FILE", help="local.settings.json; else the environment")
    ] = None,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="print it")] = False,
) -> None:
    """Say which app is meant."""
    del version
    session: Session = context.obj
    if settings:
        use_settings_file(settings)
        session.target = str(settings)


app.command(rich_help_panel="Look")(status)
app.command(rich_help_panel="Look")(ls)
app.command("list", hidden=True)(list_attention)
app.command(rich_help_panel="Look")(show)
app.command(rich_help_panel="Look")(trail)
app.command(rich_help_panel="Prove")(get)
app.command(rich_help_panel="Prove")(prove.verify)
app.command(rich_help_panel="Prove")(prove.drift)
app.command(rich_help_panel="Prove")(doctor)
app.command(rich_help_panel="Decide")(decide.redrive)
app.command(rich_help_panel="Decide")(decide.accept)
