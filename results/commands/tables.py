"""The two tables that a biologist signs, who may tell what and which tubes are drawn: shown, and signed anew."""

from pathlib import Path

import click

from kiosk.register import clock
from kiosk.settings import StaffSettings, read_settings
from results.matrix import in_force
from results.upkeep import founding, interview
from results.upkeep import tubes as tube_table
from results.vault.keys import KeyRing


@click.group()
def matrix() -> None:
    """Qui peut dire quoi, à qui : la table signée."""


@matrix.command("show")
@click.pass_obj
def show(instance: Path) -> None:
    """Montre la table en vigueur."""
    settings = read_settings(instance / "staff.toml", StaffSettings)
    with founding.opened_instance(instance) as database, database.reading() as db:
        found = in_force(db, KeyRing.load(instance / settings.keys), clock.now())
    if found is None:
        raise click.ClickException("Aucune table signée n'est en vigueur : rien ne peut être rendu.")
    click.echo(f"Table n° {found.version}")
    for (release_class, channel, person), teller in found.routes.items():
        click.echo(f"  {release_class}  {channel:<12} {person:<14} {teller}")


@matrix.command("sign")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def sign_matrix(instance: Path, file: Path) -> None:
    """Signe une nouvelle table ; demande la phrase du biologiste.

    Exemple : etiquette matrix sign table.json
    """
    interview.sign_new_matrix(instance, file, now=clock.now, chance=clock.chance)


@click.group()
def tubes() -> None:
    """La table des tubes, [tubes] de staff.toml : « non validée » tant qu'un biologiste ne l'a pas signée."""


@tubes.command("show")
@click.pass_obj
def show_tubes(instance: Path) -> None:
    """Montre la table des tubes dans l'ordre de prélèvement, et si elle est signée."""
    tube_table.show_tubes(instance)


@tubes.command("sign")
@click.pass_obj
def sign_tubes(instance: Path) -> None:
    """Signe la table telle qu'elle est dans staff.toml ; demande la phrase du biologiste.

    Exemple : etiquette tubes sign
    """
    tube_table.sign_tubes(instance, now=clock.now, chance=clock.chance)
