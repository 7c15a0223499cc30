"""Files of results come in by hand: none is lost, and each is counted."""

import json
import os
from collections import Counter
from pathlib import Path

import click

from kiosk.register import clock
from kiosk.settings import StaffSettings, read_settings
from results.exchange.intake import take
from results.upkeep import founding
from results.vault.keys import ExchangeKeys, KeyRing


@click.group()
def results() -> None:
    """Les résultats du système du laboratoire."""


@results.command("receive")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Les comptes seuls, pour une machine.")
@click.pass_obj
def receive(instance: Path, files: tuple[Path, ...], as_json: bool) -> None:
    """Prend des messages HL7 ORU^R01 ; n'en perd aucun.

    Exemple : etiquette results receive /depot/*.hl7 --json
    """
    for file in files:
        _look_at(file)
    settings = read_settings(instance / "staff.toml", StaffSettings)
    with founding.opened_instance(instance) as database:
        taken = take(
            database, (file.read_bytes() for file in files), keys=KeyRing.load(instance / settings.keys),
            exchange_keys=ExchangeKeys.load(instance / settings.keys_exchange),
            is_production=not settings.demonstration, at=clock.now(), chance=clock.chance,
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps(taken.counts()))
        return
    tally = taken.tally
    click.echo(f"{tally.read} lus : {tally.stored} gardés, {tally.duplicate} déjà connus, {tally.refused} refusés.")
    click.echo(f"{tally.stored} gardés : {tally.matched} rattachés, {tally.quarantined} en attente d'une personne.")
    for reason, count in Counter(taken.reasons).most_common():
        click.echo(f"  {count} × {reason}")


def _look_at(file: Path) -> None:
    """Refuse in words what is no readable file, before any of them is taken in."""
    if not file.exists():
        raise click.ClickException(f"{file} n'existe pas. Aucun fichier n'a été pris.")
    if not file.is_file():
        raise click.ClickException(f"{file} n'est pas un fichier. Aucun fichier n'a été pris.")
    if not os.access(file, os.R_OK):
        raise click.ClickException(f"{file} n'est pas lisible d'ici. Aucun fichier n'a été pris.")
