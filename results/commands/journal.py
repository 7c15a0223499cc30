"""The two journals: recomputed and compared with what is on paper, and noted on paper."""

import sys
from pathlib import Path

import click

from kiosk.register import clock
from kiosk.register.sites import this_site
from kiosk.settings import StaffSettings, read_settings
from labels.layouts import media_of
from printers.sealing import StationId
from printers.spool import Spool
from results.keeping.evening import note_of_evening, put_note
from results.keeping.notes import SIDES, Note, Seen, read_seen, verify_both
from results.upkeep.founding import opened_instance
from results.vault.keys import KeyRing, journal_verifiers

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def journal() -> None:
    """Les deux journaux, qui montrent toute modification."""


@journal.command("verify")
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


@journal.command("note")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Y écrit aussi register.note et results.note."
)
@click.pass_obj
def note(instance: Path, out: Path | None) -> None:
    """Signe l'état des deux journaux et l'imprime, comme chaque soir.

    Exemple : etiquette journal note --out /media/coffre
    """
    settings = read_settings(instance / "staff.toml", StaffSettings)
    for one in print_note(instance, settings, KeyRing.load(instance / settings.keys)):
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{one.side}.note").write_text(one.text, "utf-8")
        click.echo(one.text)
    click.echo(f"La note part à l'imprimante « {settings.ticket_printer} ». À signer et à classer.")


def print_note(instance: Path, settings: StaffSettings, ring: KeyRing) -> list[Note]:
    """Sign both journals with the newest key of a ring and put the paper in the spool."""
    at, chance = clock.now(), clock.chance
    form = media_of(settings, instance / "printers.toml")["tickets"]
    with opened_instance(instance) as database:
        with database.reading() as db:
            site = this_site(db)
        notes = note_of_evening(database, ring, site, by="command", at=at, chance=chance)
    key = f"journal-note/{site.number}/{int(at.timestamp())}"
    with Spool(instance / settings.spool, station=StationId.parse(settings.station)) as spool:
        put_note(spool, notes, site, printer=settings.ticket_printer, form=form, key=key, at=at, chance=chance)
    return notes
