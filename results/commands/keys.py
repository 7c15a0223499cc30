"""The keys of the laboratory: checked, made for a biologist, and changed every year."""

import sys
from pathlib import Path

import click

from kiosk.register import clock
from kiosk.settings import StaffSettings, read_settings
from results.commands.journal import print_note
from results.keeping.rotation import (
    Rotating,
    name_journal_key,
    replace_lost_pepper,
    rotate_journal,
    rotate_pepper,
    rotate_release,
)
from results.trust.keyholders import Kind, rotate_escrow
from results.upkeep import interview
from results.upkeep.asking import ask_biologist
from results.upkeep.check import check_keys as check_key_folders
from results.upkeep.founding import opened_instance
from results.upkeep.interview import account_of, lent_power
from results.vault.keyfolder import KeyFolder
from results.vault.keys import KeyRing
from results.vault.restoring import restore_keys


@click.group()
def keys() -> None:
    """Les clés du laboratoire."""


@keys.command("check")
@click.pass_obj
def check_keys(instance: Path) -> None:
    """Vérifie les clés : droits, propriétaire, contenu, et ce qui manque après une arrivée ou un départ."""
    missing = check_key_folders(instance)
    for sentence in missing:
        click.echo("À faire : " + sentence)
    if missing:
        sys.exit(1)
    click.echo("Les clés sont en ordre.")


@keys.command("add")
@click.argument("login")
@click.pass_obj
def add_keys(instance: Path, login: str) -> None:
    """Fait les clés d'un autre biologiste, qui choisit sa phrase ; un biologiste présent signe.

    Exemple : etiquette keys add aubry
    """
    interview.add_biologist(instance, login, now=clock.now, chance=clock.chance)


@keys.command("make")
@click.argument("person")
@click.pass_obj
def make(instance: Path, person: str) -> None:
    """Fait les premières clés, en présence du biologiste, qui choisit sa phrase.

    Exemple : etiquette keys make lenoir
    """
    interview.make_first_keys(instance, person, chance=clock.chance)


@keys.command("rotate")
@click.argument("kind", type=click.Choice([*(one.value for one in Rotating), Kind.ESCROW.value]))
@click.pass_obj
def rotate(instance: Path, kind: str) -> None:
    """Change une clé, chaque année ; une seconde fois après redémarrage, elle retire l'ancienne.

    Le séquestre change quand un biologiste part : un de ceux qui restent tape sa phrase.

    Exemple : etiquette keys rotate release
    """
    if kind == Kind.ESCROW:
        _rotate_escrow(instance)
        return
    settings, at, chance = read_settings(instance / "staff.toml", StaffSettings), clock.now(), clock.chance
    folder, by = instance / settings.keys, "command"
    if kind == Rotating.PEPPER and not KeyFolder.open(folder).holds("pepper"):
        with opened_instance(instance) as database:
            made = replace_lost_pepper(database, folder, by=by, at=at, chance=chance)
        click.echo(f"Le poivre était perdu. Version {made.newest} pour tout ce qui est nouveau.")
        click.echo(f"{made.resealed} talons ne valent plus rien : refaites-les quand les personnes viennent.")
        return
    before = KeyRing.load(folder)
    with opened_instance(instance) as database:
        match Rotating(kind):
            case Rotating.PEPPER:
                done = rotate_pepper(database, folder, by=by, at=at, chance=chance)
            case Rotating.RELEASE:
                exchange = instance / settings.keys_exchange
                done = rotate_release(database, folder, exchange, by=by, at=at, chance=chance)
            case Rotating.JOURNAL:
                done = rotate_journal(database, folder, by=by, at=at, chance=chance)
    if done.kind is Rotating.JOURNAL and not done.is_done:
        # The last note of the old key: the journal that it signs names the new one.
        print_note(instance, settings, before)
        click.echo(f"La dernière note de l'ancienne clé part à l'imprimante « {settings.ticket_printer} ».")
    click.echo(f"Clé {kind} : version {done.newest} pour tout ce qui est nouveau.")
    if done.resealed:
        click.echo(f"{done.resealed} copies scellées à nouveau.")
    if done.waits:
        click.echo(f"L'ancienne reste : {done.waits} lignes de talons en ont encore besoin.")
    elif done.is_done:
        click.echo("L'ancienne est retirée.")
    else:
        click.echo("Relancez les programmes, puis refaites cette commande : elle retirera l'ancienne.")


@keys.command("restore")
@click.pass_obj
def restore(instance: Path) -> None:
    """Rend les fichiers de clés perdus, avec la phrase d'un biologiste : aucune sauvegarde ne les contient.

    Exemple : etiquette keys restore
    """
    settings, at = read_settings(instance / "staff.toml", StaffSettings), clock.now()
    folder = instance / settings.keys
    _, biologist = ask_biologist(folder)
    written = restore_keys(folder, instance / settings.keys_exchange, biologist, chance=clock.chance)
    if any("/journal." in name for name in written):
        with opened_instance(instance) as database:
            name_journal_key(database, folder, by="command", at=at, chance=clock.chance)
    for name in written:
        click.echo(f"Rendu : {name}")
    if not KeyFolder.open(folder).holds("pepper"):
        click.echo("Il manque le poivre. Lancez « etiquette keys rotate pepper » : les talons seront à refaire.")
    elif not written:
        click.echo("Rien ne manque.")


def _rotate_escrow(instance: Path) -> None:
    settings, at, chance = read_settings(instance / "staff.toml", StaffSettings), clock.now(), clock.chance
    power, folder = lent_power(instance)
    login, biologist = ask_biologist(folder)
    with opened_instance(instance) as database:
        with database.reading() as db:
            by = account_of(db, login, power)
        done = rotate_escrow(
            database, folder, instance / settings.keys_exchange, biologist, by=by, at=at, chance=chance
        )
    click.echo(f"Séquestre : version {done.newest} pour tout ce qui est nouveau, {done.resealed} scellés refaits.")
    if done.waits:
        click.echo(f"L'ancien reste : {done.waits} scellés ne s'ouvrent pas. Prévenez l'administrateur.")
    elif done.is_done:
        click.echo("L'ancien est retiré.")
    else:
        click.echo("Relancez les programmes, puis refaites cette commande : elle retirera l'ancien.")
