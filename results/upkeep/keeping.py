"""The journals and what is kept at the terminal: verify, note, purge."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import click

from kiosk.register import clock
from kiosk.register.database import Database
from kiosk.register.sites import Site, this_site
from kiosk.settings import StaffSettings, read_settings
from labels.layouts import media_of
from printers.sealing import StationId
from printers.spool import Spool
from results.keeping.evening import note_of_evening, put_note
from results.keeping.notes import SIDES, Note, Seen, read_seen, verify_both
from results.keeping.purge import clean, purge, survey
from results.keeping.rotation import Rotating, replace_lost_pepper, rotate_journal, rotate_pepper, rotate_release
from results.trust.keyholders import Kind, rotate_escrow
from results.upkeep.founding import opened_instance
from results.upkeep.interview import account_of, ask_biologist, lent_power
from results.vault.keyfolder import KeyFolder
from results.vault.keys import KeyRing, journal_verifiers

#: Said with every purge, because it is true only then.
BACKUPS = "Les sauvegardes en gardent une copie jusqu'à ce que les deux disques aient été remplacés."
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group("journal")
def journal_group() -> None:
    """Les deux journaux, qui montrent toute modification."""


@journal_group.command("verify")
@click.option("--note", "files", multiple=True, type=_FILE, help="Note signée, telle que « journal note » l'écrit.")
@click.option("--scan", "scans", multiple=True, metavar="TEXTE", help="Code carré de la note du soir, scanné.")
@click.option(
    "--ticket", "tickets", multiple=True, metavar="LIGNE", help="Dernière ligne d'un ticket : « J 18 204 … »."
)
@click.option("--slip", "slips", multiple=True, metavar="LIGNE", help="Dernière ligne d'un talon : « J 18 204 … ».")
@click.pass_obj
def verify(
    instance: Path, files: tuple[Path, ...], scans: tuple[str, ...], tickets: tuple[str, ...], slips: tuple[str, ...]
) -> None:
    """Recalcule les deux journaux, les compare aux papiers ; 1 et le premier numéro douteux si l'un a été changé.

    Exemple : etiquette journal verify --note results.note
    """
    texts = [*(file.read_text("utf-8", errors="replace") for file in files), *scans]
    with opened_instance(instance) as database, database.reading() as db:
        seen: Seen = {side: [] for side in SIDES}
        if texts or tickets or slips:
            keys = instance / read_settings(instance / "staff.toml", StaffSettings).keys
            seen = read_seen(texts, this_site(db), journal_verifiers(keys), tickets=tickets, slips=slips)
        verdicts = verify_both(db, seen)
    for side, verdict in verdicts.items():
        told = "intact" if verdict.sound else f"modifié à partir de l'entrée {verdict.first_bad}"
        compared = f" Comparé à {len(seen[side])} papier(s) ou note(s)." if seen[side] else ""
        click.echo(f"Journal ({SIDES[side]}) : {verdict.size} entrées, {told}.{compared}")
    sys.exit(0 if all(verdict.sound for verdict in verdicts.values()) else 1)


@journal_group.command("note")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Y écrit aussi register.note et results.note."
)
@click.pass_obj
def note(instance: Path, out: Path | None) -> None:
    """Signe l'état des deux journaux et l'imprime, comme chaque soir.

    Exemple : etiquette journal note --out /media/coffre
    """
    settings = read_settings(instance / "staff.toml", StaffSettings)
    for one in _print_note(instance, settings, KeyRing.load(instance / settings.keys)):
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{one.side}.note").write_text(one.text, "utf-8")
        click.echo(one.text)
    click.echo(f"La note part à l'imprimante « {settings.ticket_printer} ». À signer et à classer.")


def _print_note(instance: Path, settings: StaffSettings, ring: KeyRing) -> list[Note]:
    """Sign both journals with the newest key of a ring and put the paper in the spool."""
    at, chance = clock.now(), clock.chance
    form = media_of(settings, instance / "printers.toml")["tickets"]
    with _opened(instance) as (database, site):
        notes = note_of_evening(database, ring, site, by="command", at=at, chance=chance)
    key = f"journal-note/{site.number}/{int(at.timestamp())}"
    with Spool(instance / settings.spool, station=StationId.parse(settings.station)) as spool:
        put_note(spool, notes, site, printer=settings.ticket_printer, form=form, key=key, at=at, chance=chance)
    return notes


@contextmanager
def _opened(instance: Path) -> Iterator[tuple[Database, Site]]:
    with opened_instance(instance) as database:
        with database.reading() as db:
            site = this_site(db)
        yield database, site


@click.command("purge")
@click.option("--dry-run", is_flag=True, help="Compte seulement ; n'écrit rien.")
@click.pass_obj
def purge_command(instance: Path, dry_run: bool) -> None:
    """Retire ce qui n'est plus gardé, comme chaque soir : clés, lignes, mots des journaux.

    Exemple : etiquette purge --dry-run
    """
    at, is_clean = clock.now(), True
    keys = KeyRing.load(instance / read_settings(instance / "staff.toml", StaffSettings).keys)
    with _opened(instance) as (database, site):
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


@click.command("rotate")
@click.argument("kind", type=click.Choice([*(one.value for one in Rotating), Kind.ESCROW.value]))
@click.pass_obj
def rotate_command(instance: Path, kind: str) -> None:
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
        _print_note(instance, settings, before)
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
