"""One command starts every programme of a laboratory and keeps them running."""

import os
from pathlib import Path

import click

from kiosk.register import clock
from results.commands.install import station_in
from results.upkeep import demonstration, founding, screens, supervise
from results.upkeep.check import check


@click.command()
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
        with founding.whole_or_nothing(instance):
            made = demonstration.found(instance, station=station_in(instance), at=clock.now(), chance=clock.chance)
        click.echo(demonstration.welcome(made))
    stops = [finding.sentence for finding in check(instance) if finding.stops]
    if stops:
        raise click.ClickException("\n".join(stops))
    paired, pcs = screens.listeners(instance)
    programmes = supervise.programmes(
        instance, public_port=public_port, staff_port=staff_port, screens=paired, pcs=pcs
    )  # fmt: skip
    programmes += demonstration.fake_printers(instance, paper_port=paper_port)
    supervise.refuse_taken_ports(programmes)
    click.echo(f"Borne et écran : http://localhost:{public_port}/   écran : http://localhost:{public_port}/board")
    click.echo(f"Personnel      : http://localhost:{staff_port}/")
    if demonstration.is_one(instance):
        click.echo(f"Le papier      : http://localhost:{paper_port}/")
        click.echo("Les codes du moment : etiquette demo codes")
    os.environ.update(ETIQUETTE_INSTANCE=str(instance), PYTHONUNBUFFERED="1")
    supervise.become_supervisor(programmes)
