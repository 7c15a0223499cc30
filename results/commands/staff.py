"""Accounts of the staff: made, closed, given new proofs."""

from pathlib import Path

import click

from kiosk.register import clock
from results.upkeep import interview


@click.group()
def staff() -> None:
    """Les comptes du personnel."""


@staff.command("add")
@click.argument("login")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, help="secretary, sampler, biologist, manager…")
@click.pass_obj
def add(instance: Path, login: str, name: str, roles: tuple[str, ...]) -> None:
    """Crée un compte ; un biologiste présent signe ses rôles avec sa phrase.

    Exemple : etiquette staff add nadia "Nadia Benali" --role secretary
    """
    interview.add_person(instance, login, name, roles, now=clock.now, chance=clock.chance)


@staff.command("disable")
@click.argument("login")
@click.pass_obj
def disable(instance: Path, login: str) -> None:
    """Ferme un compte à l'instant même."""
    interview.close_account(instance, login, now=clock.now, chance=clock.chance)


@staff.command("reset-totp")
@click.argument("login")
@click.pass_obj
def reset_totp(instance: Path, login: str) -> None:
    """Retire les preuves d'un compte, à deux ; la personne en choisit d'autres, sur place.

    Exemple : etiquette staff reset-totp nadia
    """
    interview.reset_proofs(instance, login, now=clock.now, chance=clock.chance)
