"""Kiosks and boards: let in, listed, sent away."""

from pathlib import Path

import click

from kiosk.register import clock
from results.upkeep import screens


@click.group()
def kiosk() -> None:
    """Les bornes et les écrans : appairés un par un, retirés à l'instant."""


@kiosk.command("pair")
@click.argument("name")
@click.option("--board", is_flag=True, help="Un écran de la salle d'attente, et non une borne.")
@click.pass_obj
def pair_kiosk(instance: Path, name: str, *, board: bool) -> None:
    """Donne le code, valable un quart d'heure, que l'on tape une fois sur l'écran à appairer.

    Exemple : etiquette kiosk pair "Borne 1"
    """
    screens.pair(instance, name, board=board, at=clock.now(), chance=clock.chance, say=click.echo)


@kiosk.command("list")
@click.pass_obj
def list_kiosks(instance: Path) -> None:
    """Montre les bornes et écrans de ce laboratoire.

    Exemple : etiquette kiosk list
    """
    screens.tell(instance, at=clock.now(), say=click.echo)


@kiosk.command("revoke")
@click.argument("name")
@click.pass_obj
def revoke_kiosk(instance: Path, name: str) -> None:
    """Retire un écran à l'instant même ; il n'ouvre plus rien.

    Exemple : etiquette kiosk revoke "Borne 1"
    """
    screens.revoke(instance, name, at=clock.now(), chance=clock.chance, say=click.echo)
