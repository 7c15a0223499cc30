"""What is no longer kept goes, by hand as every evening."""

import time
from datetime import date, datetime
from pathlib import Path

import click

from kiosk.register import clock
from kiosk.register.database import Database
from kiosk.register.sites import Site, this_site
from kiosk.settings import StaffSettings, read_settings
from results.keeping.purge import clean, purge, survey
from results.upkeep.founding import opened_instance
from results.vault.keys import KeyRing

#: Said with every purge, because it is true only then.
BACKUPS = "Les sauvegardes en gardent une copie jusqu'à ce que les deux disques aient été remplacés."


@click.command("purge")
@click.option("--dry-run", is_flag=True, help="Compte seulement ; n'écrit rien.")
@click.pass_obj
def purge_command(instance: Path, dry_run: bool) -> None:
    """Retire ce qui n'est plus gardé, comme chaque soir : clés, lignes, mots des journaux.

    Exemple : etiquette purge --dry-run
    """
    at, is_clean = clock.now(), True
    keys = KeyRing.load(instance / read_settings(instance / "staff.toml", StaffSettings).keys)
    with opened_instance(instance) as database:
        with database.reading() as db:
            site = this_site(db)
        lines = survey(database, keys, at=at)
        if not dry_run:
            purge(database, keys, by="command", at=at, chance=clock.chance)
            is_clean = _clean(database)
    click.echo("À retirer aujourd'hui :" if dry_run else "Retiré :")
    for line in lines:
        oldest = "" if line.oldest is None else f"   le plus ancien qui reste : {_day(site, line.oldest)}"
        click.echo(f"  {line.name:<26}{line.gone:>8}   gardé {line.kept}{oldest}")
    total = sum(line.gone for line in lines)
    click.echo(f"{total} au total. {BACKUPS}" if total else "Rien à retirer.")
    if held := sum(line.held for line in lines):
        click.echo(f"{held} gardés : l'heure promise a été changée hors d'Étiquette. Prévenez le biologiste.")
    if not is_clean:
        click.echo("Un programme lisait : relancez « etiquette purge » pour vider aussi les fichiers -wal.")


def _clean(database: Database) -> bool:
    """Ask for ten seconds: whoever reads now has soon done."""
    for _ in range(100):
        if clean(database):
            return True
        time.sleep(0.1)
    return False


def _day(site: Site, when: datetime | date) -> str:
    day = clock.day(site.timezone, when) if isinstance(when, datetime) else when
    return f"{day:%d/%m/%Y}"
