"""The site's table of tubes at the terminal: read aloud before it is signed, and signed by the biologist."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

import click

from kiosk.exams.catalogue import catalogue
from kiosk.register.clock import Chance, Clock
from kiosk.settings import StaffSettings, UnsafeSettings, read_settings
from labels.layouts import media_of
from labels.numbering import sample_number
from labels.planning.kinds import Kind
from labels.planning.rules import Rules
from labels.planning.table import read_table
from labels.sticker import Bearer, sticker
from labels.tubes import Tube
from labels.validation import hash_of, is_signed, last_signed, refuse_signed
from labels.validation import sign_tubes as sign_next
from printers.draw import draw
from printers.errors import Unprintable
from results.trust.standing import has_signed
from results.upkeep.asking import ask_biologist
from results.upkeep.founding import opened_instance
from results.upkeep.interview import account_of, lent_power, writing_results
from results.vault.keys import KeyRing
from results.vault.sealing import label, sign

#: Somebody whose label is drawn to see whether the words fit, and never printed.
_NOBODY = Bearer(birth_name="M", given_name="J", used_name=None, born="01/01/2000", sex="F", number=1)
_NEVER = datetime(2000, 1, 1)  # noqa: DTZ001  # the wall clock of a label that is never printed


def read_printable(file: Path) -> Rules:
    """Read the table of a settings file, and demand that every name in it fits a label.

    Raises:
        UnsafeSettings: the table is not understood, or a name is too wide; the sentence says which.
        PrinterError: the label printer's medium is not known.
    """
    rules = read_table(file)
    form = media_of(read_settings(file, StaffSettings), file.with_name("printers.toml"))["labels"]
    for kind, look in rules.looks.items():
        number = sample_number(_NEVER.year, 1, 1, 1)
        tube = Tube(kind=kind, words=look.words, cap=look.cap, sample_number=number, position=1, total=1, exams=[])
        try:
            draw(sticker(tube, _NOBODY, planned=_NEVER, form=form))
        except Unprintable:
            raise UnsafeSettings(
                f"{file.name} : le nom ou le bouchon de « {kind} » est trop large pour l'étiquette. Abrégez-le."
            ) from None
    return rules


def show_tubes(instance: Path) -> None:
    """Read the table aloud, and say whether it is signed as it stands."""
    settings = read_settings(instance / "staff.toml", StaffSettings)
    rules = read_table(instance / "staff.toml")
    proves = partial(has_signed, KeyRing.load(instance / settings.keys), "tubes")
    with opened_instance(instance) as database, database.reading() as db:
        signed = last_signed(db, proves) if is_signed(db, rules, proves) else None
        state = "Table des tubes non validée : aucun biologiste ne l'a signée telle qu'elle est."
        if signed is not None:
            state = (
                f"Table des tubes n° {signed.version}, signée par {signed.signer}, empreinte {hash_of(signed).hex()}"
            )
    click.echo("\n".join([state, *in_words(rules)]))


def sign_tubes(instance: Path, *, now: Clock, chance: Chance) -> None:
    """Sign the table that stands in the settings, with the biologist's passphrase."""
    rules = read_printable(instance / "staff.toml")
    power, folder = lent_power(instance)
    proves = partial(has_signed, KeyRing.load(folder), "tubes")
    with opened_instance(instance) as database, database.reading() as db:
        refuse_signed(db, rules, proves)
    login, unlocked = ask_biologist(folder)
    with writing_results(instance) as db:
        signed = sign_next(
            db, rules, sign=lambda data: sign(unlocked.signer_seed, label("tubes") + data), proves=proves,
            signer=unlocked.person, by=account_of(db, login, power), at=now(), chance=chance,
        )  # fmt: skip
        told = f"La table des tubes n° {signed.version} est signée. Empreinte : {hash_of(signed).hex()}"
    click.echo(told)


def in_words(rules: Rules) -> Iterator[str]:
    """The table line by line: tubes in order of draw, then what each exam asks that others do not."""
    for kind in sorted(Kind, key=rules.place):
        look, usable = rules.looks[kind], rules.usable.get(kind)
        holds = "sans limite" if usable is None else f"{usable} µL utiles, dont {rules.dead[kind]} perdus"
        yield f"  {kind:<16} {look.words:<13} {look.cap:<15} {holds}"
    yield f"  volume d'un examen : {rules.usual} µL, sauf {_listed(rules.volumes)}"
    yield f"  sur glace : {_named(rules.on_ice)}"
    yield f"  à l'abri de la lumière : {_named(rules.from_light)}"
    yield f"  jamais avec un autre : {_named(rules.alone)}"
    yield f"  s'excluent : {' ; '.join(_named(group) for group in rules.apart) or 'aucun'}"
    yield f"  sous-traités, une aliquote chacun : {_named(rules.send_out)}"
    yield f"  seconde détermination sur un autre prélèvement : {_named(rules.two_draws)}"
    yield f"  temps, en minutes : {_listed(rules.times)}"
    yield f"  genre selon la méthode : {_listed(rules.methods)}"
    yield f"  groupes de partage : {_listed(rules.groups)}"
    for name, bench in rules.benches.items():
        own = ", tube propre" if bench.own_tube else ""
        yield f"  paillasse {name} : {_named(bench.exams)}, {bench.dead} µL perdus par tube{own}"
    for child in rules.children:
        yield (
            f"  {child.words}, moins de {child.under} ans : {_listed(child.usable)} ; {child.usual} µL par examen, "
            f"sauf {_listed(child.volumes)} ; {child.dead} perdus"
        )


def _named(codes: frozenset[str]) -> str:
    exams = (catalogue().by_code(code) for code in sorted(codes))
    return ", ".join(f"{exam.nabm} {exam.name}" for exam in exams if exam is not None) or "aucun"


def _listed(values: Mapping[str, object] | Mapping[Kind, int]) -> str:
    return ", ".join(f"{key} = {_value(value)}" for key, value in values.items()) or "aucun"


def _value(value: object) -> str:
    return " ".join(str(one) for one in value) if isinstance(value, tuple) else str(value)
