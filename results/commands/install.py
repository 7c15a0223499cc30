"""A laboratory is installed: founded, its tables made, and looked at for what is wrong."""

import sys
from pathlib import Path

import click

from kiosk.register import clock
from kiosk.settings import StaffSettings, read_settings
from printers.station.keys import make_station_key
from results.upkeep import founding, interview
from results.upkeep.check import check
from results.upkeep.schema import migrate


def station_in(instance: Path) -> str:
    """Make the key of the print station of a new laboratory, and give what the settings name it by."""
    founding.make_folders(instance)
    return str(make_station_key(instance / "station.key", clock.chance))


@click.command()
@click.pass_obj
def init(instance: Path) -> None:
    """Installe un vrai laboratoire : questions, clés, premières personnes.

    Exemple : etiquette --instance /srv/etiquette init
    """
    interview.found(instance, make_station=lambda: station_in(instance), now=clock.now, chance=clock.chance)


@click.command("check")
@click.pass_obj
def check_command(instance: Path) -> None:
    """Dit ce qui ne va pas, en une phrase chacun ; 0 si tout va bien, 1 sinon."""
    findings = check(instance)
    for finding in findings:
        click.echo(("À corriger : " if finding.stops else "Attention : ") + finding.sentence)
    if findings:
        sys.exit(1)
    click.echo("Tout va bien.")


@click.group()
def db() -> None:
    """Les tables du laboratoire."""


@db.command()
@click.pass_obj
def upgrade(instance: Path) -> None:
    """Met les tables à la version du programme."""
    read_settings(instance / "staff.toml", StaffSettings)
    founding.require_files(instance)
    migrate(str(instance / founding.REGISTER), str(instance / founding.RESULTS))
    click.echo("Les tables sont à jour.")
