"""The command `etiquette`: it gathers what a person may type at the terminal, and says every refusal in words."""

from itertools import islice
from pathlib import Path

import click

from kiosk.register.database import OtherTables
from kiosk.register.errors import Refusal
from kiosk.settings import UnsafeSettings
from printers.errors import PrinterError
from results.commands import (
    bench,
    demo,
    install,
    journal,
    keys,
    kiosks,
    purge,
    receive,
    rehearse,
    serve,
    simulate,
    staff,
    tables,
)
from results.upkeep.supervise import PortTaken


class Words(click.Group):
    """A group whose refusals are one sentence on the terminal, never a traceback."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take `--instance DIR` wherever it stands: people write it after the command as often as before."""
        told: list[str] = []
        rest: list[str] = []
        words = iter(args)
        for word in words:
            if word == "--":
                rest += [word, *words]
            elif word == "--instance" or word.startswith("--instance="):
                told += [word, *islice(words, 0 if "=" in word else 1)]
            else:
                rest.append(word)
        return super().parse_args(ctx, told + rest)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; say a refusal in words and exit with 1."""
        try:
            return super().invoke(ctx)
        except Refusal as refused:
            raise click.ClickException(refused.sentence) from None
        except (UnsafeSettings, OtherTables, PrinterError, PortTaken) as refused:
            raise click.ClickException(str(refused)) from None


@click.group(cls=Words, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--instance", type=click.Path(path_type=Path, file_okay=False), default=Path("instance"), show_default=True,
    envvar="ETIQUETTE_INSTANCE", help="Dossier du laboratoire.",
)  # fmt: skip
@click.pass_context
def main(context: click.Context, instance: Path) -> None:
    """Étiquette : l'accueil d'un laboratoire d'analyses médicales."""
    context.obj = instance.resolve()


for command in (
    install.init, install.check_command, install.db, serve.serve, demo.demo, rehearse.rehearse, bench.bench_command,
    simulate.simulate_command, staff.staff, kiosks.kiosk, receive.results, tables.matrix, tables.tubes, keys.keys,
    journal.journal, purge.purge_command,
):  # fmt: skip
    main.add_command(command)


if __name__ == "__main__":
    main()
