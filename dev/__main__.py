"""`python -m dev …`: the commands of the local world. Each has `--help`."""

if __name__ == "__main__":
    from dev import run

    run()

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dev.console import DayState
from recording.cli.output.streams import take_any_character

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


class Host(StrEnum):
    """Which Functions host runs the app; `auto` takes Core Tools when they are there."""

    AUTO = "auto"
    BUILTIN = "builtin"
    FUNC = "func"


HostOption = Annotated[Host, typer.Option("--host", help="auto, builtin or func (Core Tools)")]


@app.command()
def demo(
    host: HostOption = Host.AUTO,
    stay: Annotated[bool, typer.Option("--open", help="leave it running and open the console on it")] = False,
) -> None:
    """Record five calls on loopback and show every file arriving, proven, in the archive."""
    from dev.play import play_demo

    raise typer.Exit(play_demo(host.value, stay=stay))


@app.command()
def up(
    host: HostOption = Host.AUTO,
    port: Annotated[int, typer.Option(help="of the Functions host", min=0, max=65535)] = 7071,
    data: Annotated[Path | None, typer.Option(help="keep storage and logs in this folder", file_okay=False)] = None,
    simulator_port: Annotated[
        int, typer.Option(help="of the simulator's page; its proxy takes the next one", min=0, max=65534)
    ] = 8900,
    cookbook: Annotated[
        bool, typer.Option("--cookbook", help="also run examples/cookbook, with stand-ins for its services")
    ] = False,
) -> None:
    """Start the same system, leave it running and print what to try."""
    from dev.play import stay_up

    raise typer.Exit(stay_up(host.value, port, data, simulator_port, with_cookbook=cookbook))


@app.command()
def picture(
    target: Annotated[Path, typer.Argument(help="the SVG to write")] = Path("docs/demo.svg"),
) -> None:
    """Run the demo and draw what it prints in a terminal, for the README."""
    from dev.terminal_picture import main

    raise typer.Exit(main(target))


@app.command()
def screens(check: Annotated[bool, typer.Option("--check", help="only compare")] = False) -> None:
    """Run the operator's commands over an in-memory world and write their screens into docs/commands.md."""
    from dev.terminal_screens import main_screens

    raise typer.Exit(main_screens(check=check))


@app.command()
def workbook(check: Annotated[bool, typer.Option("--check", help="only compare")] = False) -> None:
    """Write the queries of the alerts into the workbook of infra/."""
    from dev.workbook import main

    raise typer.Exit(main(check=check))


class StoryName(StrEnum):
    """The stories that can be played."""

    NIGHT = "night"
    STRANGER = "stranger"


@app.command()
def story(
    which: Annotated[StoryName, typer.Argument(help="which story")],
    write: Annotated[
        bool, typer.Option("--write", help="write its page: docs/night-story.md, docs/simulator.md")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="night: only compare with the page")] = False,
    real: Annotated[
        bool, typer.Option("--real", help="night: on Azurite, the host and the simulator, minutes")
    ] = False,
) -> None:
    """Play a story and fail if it ends badly.

    `night`: six troubles at three in the morning, seen on every face, put right, over. `stranger`: the simulator is
    installed into a fresh environment and used from Python, pytest and Node with what its page says (needs a network).
    """
    if which is StoryName.STRANGER:
        from dev.story import stranger

        raise typer.Exit(stranger.main(write=write))
    from dev.story.page import main_story

    raise typer.Exit(main_story(write=write, check=check, real=real))


@app.command()
def screenshots(
    folder: Annotated[Path, typer.Argument(help="where to write them", file_okay=False)] = Path("docs/images"),
) -> None:
    """Draw each screen of the console in light, dark and 320 pixels wide, over a made-up day."""
    from dev.console.screenshots import main

    raise typer.Exit(main(folder))


@app.command()
def console(
    state: Annotated[DayState, typer.Argument(help="full, empty, slow or broken")] = DayState.FULL,
    recordings: Annotated[int, typer.Option(help="how many more than those with media", min=0, max=1_000)] = 300,
    port: Annotated[int, typer.Option(help="0 takes a free one", min=0, max=65535)] = 7072,
) -> None:
    """Serve the console over a made-up day of a contact centre, to judge its screens by."""
    from dev.console.look import main

    raise typer.Exit(main(state, recordings, port))


@app.command()
def walk(
    target: Annotated[Path, typer.Argument(help="the page to write", dir_okay=False)] = Path("docs/console-walk.md"),
) -> None:
    """Do the console's tasks by keyboard alone and write down every key."""
    from dev.console.walk import main

    raise typer.Exit(main(target))


@app.command("host")
def functions_host(  # noqa: PLR0917 - typer takes options as parameters
    port: Annotated[int, typer.Option(help="0 takes a free one", min=0, max=65535)] = 7071,
    settings: Annotated[Path | None, typer.Option(help="local.settings.json")] = None,
    enable_auth: Annotated[bool, typer.Option("--enable-auth", help="ask for keys")] = False,
    host: HostOption = Host.BUILTIN,
    queue_lease: Annotated[int, typer.Option(help="seconds a fetched queue message stays invisible")] = 600,
    log_json: Annotated[bool, typer.Option("--log-json", help="one JSON object a line")] = False,
    sign_in: Annotated[bool, typer.Option("--sign-in", help="sign made-up people in, for the console")] = False,
) -> None:
    """Run function_app.py like `func start`."""
    from dev.functions_host.command import main

    raise typer.Exit(
        main(port, settings, enable_auth, host=host.value, queue_lease=queue_lease, log_json=log_json, sign_in=sign_in)
    )


@app.command("contact-centre")
def contact_centre(
    count: Annotated[int, typer.Option("--recordings", help="how many", min=1, max=1_000_000)] = 10_000,
    settings: Annotated[Path | None, typer.Option(help="local.settings.json; else the environment")] = None,
) -> None:
    """Put a day of a contact centre into catalog and directory, without media, to try `find` on."""
    from dev.contact_centre import main

    raise typer.Exit(main(count, settings))


@app.command()
def bench(
    figures: Annotated[
        list[str] | None, typer.Argument(help="which figures; `table` are those of the copy; default: all")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="tiny files: shows that it works, not how fast")] = False,
    out: Annotated[Path, typer.Option(help="the JSON file")] = Path(".local-world/bench/figures.json"),
    write_docs: Annotated[bool, typer.Option("--write-docs", help="put the figures into docs/performance.md")] = False,
    add: Annotated[bool, typer.Option("--add", help="keep the other figures of the JSON file")] = False,
) -> None:
    """Measure the copy beside what a user would pick instead; `watchers`, `notify`, `keep`, `console`: those parts."""
    if figures == ["watchers"]:
        from dev.bench import watchers

        raise typer.Exit(watchers.main(out.with_name("watchers.json")))
    if figures == ["notify"]:
        from dev.bench import notify

        raise typer.Exit(notify.main(out.with_name("notify.json"), quick=quick, write_docs=write_docs))
    if figures == ["keep"]:
        from dev.bench import keeping

        raise typer.Exit(keeping.main(out.with_name("keep.json"), quick=quick, write_docs=write_docs))
    if figures == ["console"]:
        from dev.console import figures as console

        raise typer.Exit(console.main(out.with_name("console.json"), quick=quick, write_docs=write_docs))
    from dev.bench.command import main

    raise typer.Exit(main(figures or [], quick=quick, out=out, write_docs=write_docs, add=add))


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def simulator(context: typer.Context) -> None:
    """Run the ACS simulator alone and print how to reach it; --help lists its options."""
    from dev.acs_simulator.command import app as own

    own(context.args, prog_name="python -m dev simulator")


@app.command()
def azurite(
    data: Annotated[Path | None, typer.Option(help="keep the data in this folder", file_okay=False)] = None,
) -> None:
    """Run Azurite on its usual ports (UseDevelopmentStorage=true) and print its connection string."""
    from dev.azurite import main

    raise typer.Exit(main(data))


@app.command()
def requirements(check: Annotated[bool, typer.Option("--check", help="only compare")] = False) -> None:
    """Export requirements.txt from uv.lock."""
    from dev.requirements import main

    raise typer.Exit(main(check=check))


@app.command()
def error_tables() -> None:
    """Write the codes of recording/errors/codes.py into docs/errors.md and docs/openapi.yaml."""
    from dev.error_tables import main

    main()


@app.command("event-schemas")
def event_schemas() -> None:
    """Write docs/events and docs/asyncapi.yaml from the forms of outgoing events."""
    from dev.event_schemas import main

    main()


@app.command()
def structure() -> None:
    """Draw the structure of recording/ from its imports into docs/architecture.md, and print its figures."""
    from dev.structure import main

    main()


@app.command()
def rules(semgrep: Annotated[Path, typer.Argument(help="the semgrep program")]) -> None:
    """Test our own semgrep rules, then hold the code against them; needs no network."""
    from dev.rules import main

    raise typer.Exit(main(semgrep))


@app.command()
def prove(
    what: Annotated[
        str,
        typer.Argument(
            help="controls, crashes, erased, events, guards, hostile, orders, outages, played, simulation, templates, "
            "tenants, visibility, workflows, years, all; "
            "compatibility, faults, kills, chaos, mutants"
        ),
    ] = "all",
    *,
    seeds: Annotated[int | None, typer.Option(help="how many lives, locations, or outages of each kind")] = None,
    first: Annotated[int, typer.Option(help="the seed, or the first one")] = 0,
    is_long: Annotated[bool, typer.Option("--long", help="the form that takes hours")] = False,
    only: Annotated[list[str] | None, typer.Option(help="a cell of faults, or a part of mutants' names")] = None,
    without: Annotated[list[str] | None, typer.Option(help="of all: a proof to leave out")] = None,
    one_in: Annotated[int, typer.Option(min=1, help="of crashes, orders, outages and lives: one in so many")] = 1,
) -> None:
    """Run the real use cases through faults, deaths, orders and outages, and print the figures."""
    from dev.prove.runner import Choice, main

    choice = Choice(first, seeds, is_long, one_in)
    raise typer.Exit(main(what, choice, only=only or (), without=without or ()))


@app.command("compare-media")
def compare_media(
    folders: Annotated[list[Path] | None, typer.Argument(help="folders with media files")] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="also test files of public packages, by pip")] = False,
    encode: Annotated[bool, typer.Option("--encode", help="also files made by PyAV, whole and damaged")] = False,
    cache: Annotated[Path, typer.Option(help="PyAV's verdicts by SHA-256")] = Path(".local-world/media-verdicts.json"),
    write_docs: Annotated[bool, typer.Option("--write-docs", help="write docs/media-check.md")] = False,
) -> None:
    """Compare the media check with PyAV over many files and print where they disagree."""
    from dev.compare_media.command import main

    raise typer.Exit(main(folders or [], fetch=fetch, encode=encode, cache=cache, write_docs=write_docs))


@app.command()
def package(
    folder: Annotated[Path | None, typer.Option(help="where to write it (default: dist)")] = None,
) -> None:
    """Build the deployable zip and its SBOM, and print what is in it."""
    from dev.package import main

    raise typer.Exit(main(folder))


def main() -> None:
    """Run the command that was typed, in a terminal of any character set."""
    take_any_character()
    app(prog_name="python -m dev")
