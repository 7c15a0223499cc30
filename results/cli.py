"""The command `etiquette`: it founds, serves, checks and rehearses a laboratory."""

import sys
import threading
from pathlib import Path

import click

from kiosk.register import clock
from kiosk.register.errors import Refusal
from kiosk.settings import UnsafeSettings
from printers.errors import PrinterError
from printers.station.keys import make_station_key
from results.upkeep import demonstration, founding, supervise
from results.upkeep.check import check as look
from results.upkeep.schema import migrate


class Words(click.Group):
    """A group whose refusals are one sentence on the terminal, never a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; say a refusal in words and exit with 1."""
        try:
            return super().invoke(ctx)
        except Refusal as refused:
            raise click.ClickException(refused.sentence) from None
        except (UnsafeSettings, PrinterError, supervise.PortTaken) as refused:
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


@main.command()
@click.option("--public-port", default=8000, show_default=True, help="Port de la borne et de l'écran.")
@click.option("--staff-port", default=8001, show_default=True, help="Port des écrans du personnel.")
@click.option("--paper-port", default=8002, show_default=True, help="Démonstration : page où l'on voit le papier.")
@click.option("--demo", is_flag=True, help="Sur un dossier vide, installe un laboratoire de démonstration.")
@click.pass_obj
def serve(instance: Path, public_port: int, staff_port: int, paper_port: int, demo: bool) -> None:
    """Lance tous les programmes, les relance s'ils tombent, les arrête proprement.

    Exemple : etiquette serve --public-port 8000 --staff-port 8001
    """
    if demo and not (instance / "staff.toml").exists():
        made = demonstration.found(instance, station=_station(instance), at=clock.now(), chance=clock.chance)
        click.echo(demonstration.welcome(made))
    stops = [finding.sentence for finding in look(instance) if finding.stops]
    if stops:
        raise click.ClickException("\n".join(stops))
    programmes = supervise.programmes(instance, public_port=public_port, staff_port=staff_port)
    programmes += demonstration.fake_printers(instance, paper_port=paper_port)
    supervise.refuse_taken_ports(programmes)
    click.echo(f"Borne et écran : http://localhost:{public_port}/   écran : http://localhost:{public_port}/board")
    click.echo(f"Personnel      : http://localhost:{staff_port}/")
    if demonstration.is_one(instance):
        click.echo(f"Le papier      : http://localhost:{paper_port}/")
        click.echo("Les codes du moment : etiquette demo codes")
    stop = threading.Event()
    supervise.stop_on_signals(stop)
    environment = {"ETIQUETTE_INSTANCE": str(instance), "PYTHONUNBUFFERED": "1"}
    supervise.supervise(programmes, environment=environment, say=lambda words: click.echo(words, err=True), stop=stop)


def _station(instance: Path) -> str:
    founding.make_folders(instance)
    return str(make_station_key(instance / "station.key", clock.chance))


@main.command("check")
@click.pass_obj
def check_command(instance: Path) -> None:
    """Dit ce qui ne va pas, en une phrase chacun ; 0 si tout va bien, 1 sinon."""
    findings = look(instance)
    for finding in findings:
        click.echo(("À corriger : " if finding.stops else "Attention : ") + finding.sentence)
    if findings:
        sys.exit(1)
    click.echo("Tout va bien.")


@main.group()
def db() -> None:
    """Les tables du laboratoire."""


@db.command()
@click.pass_obj
def upgrade(instance: Path) -> None:
    """Met les tables à la version du programme."""
    migrate(str(instance / founding.REGISTER), str(instance / founding.RESULTS))
    click.echo("Les tables sont à jour.")


@main.group()
def demo() -> None:
    """Le laboratoire de démonstration."""


@demo.command()
@click.pass_obj
def codes(instance: Path) -> None:
    """Montre les identifiants et les codes à six chiffres du moment."""
    click.echo(demonstration.codes(instance, at=clock.now()))
