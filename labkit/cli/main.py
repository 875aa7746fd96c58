"""The command `labkit`: one file a group of commands, imported only when used, so that --help is instant."""

from __future__ import annotations

import importlib
import sys
import traceback

import click

from labkit.errors import LabkitError

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("labkit.cli.lab", "Make a lab folder: a board, a bench and a plan that run simulated as they are."),
    "doctor": ("labkit.cli.lab", "Check this computer: Python, VISA, serial ports, disk, clock, drivers."),
    "check": ("labkit.cli.check", "Check a plan against a bench, without hardware: points, order, time, size."),
    "run": ("labkit.cli.run", "Run a plan on a bench, or rehearse it with --sim."),
    "runs": ("labkit.cli.runs", "List runs, the newest first."),
    "show": ("labkit.cli.runs", "Show what a run came to."),
    "note": ("labkit.cli.runs", "Add a time-stamped note to a run."),
    "mark": ("labkit.cli.runs", "Say whether a run counts for its boards, with the reason."),
    "shmoo": ("labkit.cli.runs", "Show the shmoo plots of a run in the terminal."),
    "report": ("labkit.cli.runs", "Write the HTML report of a run and print its path."),
    "export": ("labkit.cli.runs", "Export the points of a run as CSV, Parquet or JSON."),
    "drivers": ("labkit.cli.info", "List the instrument drivers and what each can do."),
    "schema": ("labkit.cli.info", "Print the JSON Schema of board, bench or plan files, for editors."),
    "sim": ("labkit.cli.sim", "Serve the simulated twin of a bench over real transports."),
}
"""Command name: the module that holds it under the same name, and its line in the help."""


class LazyGroup(click.Group):
    """Imports the module of a command when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, importing its module."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command = getattr(module, cmd_name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str],
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a misspelt one names its near matches."""
        from labkit.text import near

        name = args[0] if args else ""
        if name and name not in COMMANDS and not name.startswith("-"):
            raise click.UsageError(f"there is no command {name!r}{near(name, COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="labkit")
@click.option("--trace", is_flag=True, help="Show the Python traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, trace: bool) -> None:
    """Bring up and characterize boards: sweeps over voltage, temperature and frequency, on the bench or simulated.

    \b
    labkit run vtf-shmoo --bench duo --sim    rehearse the shipped plan on the shipped bench
    labkit check PLAN --bench BENCH           what a run would do and how long it takes
    """
    ctx.obj = {"trace": trace}


def main() -> None:
    """Run the command line; an error is one sentence on stderr, and the exit code says of which kind."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(4)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except LabkitError as error:
        if "--trace" in sys.argv:
            traceback.print_exc()
        click.echo(f"labkit: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        if "--trace" in sys.argv:
            traceback.print_exc()
        click.echo(f"labkit: failed in a way it should not ({type(error).__name__}: {error}); what it did to a bench "
                   "stands in the run's folder, --trace shows where it failed", err=True)
        sys.exit(3)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
