"""The demonstration laboratory: the codes of the moment, and the answers of its laboratory system."""

from pathlib import Path

import click

from kiosk.register import clock
from results.upkeep import demonstration


@click.group()
def demo() -> None:
    """Le laboratoire de démonstration."""


@demo.command()
@click.pass_obj
def codes(instance: Path) -> None:
    """Montre les identifiants et les codes à six chiffres du moment."""
    click.echo(demonstration.codes(instance, at=clock.now()))


@demo.command()
@click.pass_obj
def lis(instance: Path) -> None:
    """Joue le système du laboratoire : répond à chaque tube prélevé aujourd'hui."""
    taken = demonstration.play_laboratory(instance, at=clock.now(), chance=clock.chance)
    click.echo(f"{taken.read} réponses : {taken.matched} rattachées, {taken.duplicate} déjà connues.")
