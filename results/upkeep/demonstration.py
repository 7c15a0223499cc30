"""A laboratory that does not exist, with people who do not exist, to try everything on."""

import json
import sys
import tomllib
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pyotp import TOTP

from kiosk.booking.appointments import book
from kiosk.register import clock
from kiosk.register.clock import Chance
from kiosk.register.database import uuid7
from kiosk.register.errors import NotFound
from kiosk.register.patients import Sex, create_patient
from kiosk.register.sites import Site, this_site
from kiosk.register.staff import Role, make_seed
from kiosk.register.visits import Purpose, Stage
from kiosk.waiting import announced, take_number
from printers import settings as printer_settings
from results.exchange.inbox import Tally
from results.exchange.intake import take
from results.upkeep import laboratory
from results.upkeep.founding import (
    Answers,
    Person,
    Printers,
    make_site,
    opened_instance,
    welcome_people,
    write_private,
    write_settings,
)  # fmt: skip
from results.upkeep.supervise import Programme, free_ports
from results.vault.keys import ExchangeKeys, KeyRing, make_keys

#: The people of the demonstration; nobody of that name is meant.
CAST = (
    ("Sophie Martin", "sophie", (Role.SECRETARY,)),
    ("Nadia Benali", "nadia", (Role.SECRETARY,)),
    ("Karim Haddad", "karim", (Role.SAMPLER,)),
    ("Dr Claire Lenoir", "lenoir", (Role.BIOLOGIST,)),
    ("Valérie Roux", "roux", (Role.MANAGER,)),
    ("Alex Durand", "alex", (Role.ADMINISTRATOR,)),
)
BIOLOGIST = "lenoir"

#: Birth name, name in use, given names, birth date, sex, exams of today's appointment (none: known, not booked).
PATIENTS = (
    ("Moreau", None, "Jeanne", "19540228", Sex.F, "NFS, glycémie à jeun"),
    ("Diallo", None, "Mamadou", "19810617", Sex.M, "INR"),
    ("Nguyễn", "Lefèvre", "Thị Hoa", "19900102", Sex.F, "hCG"),
    ("d'Œuf-Roux", None, "Éloïse", "19720711", Sex.F, "TSH"),
    ("Martin", None, "Paul", "19660405", Sex.M, "Bilan lipidique"),
    ("Martin", None, "Paul", "19660405", Sex.M, None),
    ("Haddad", None, "Lina", "20100312", Sex.F, None),
)

WORDS = (
    "abricot", "balcon", "cerise", "dauphin", "écluse", "fougère", "girafe", "hublot", "ivoire", "jardin", "kayak",
    "lavande", "muguet", "nacelle", "olivier", "papyrus", "quartz", "renard", "sabot", "tilleul", "violon", "wagon",
    "yaourt", "zeste", "brume", "colline", "falaise", "grenier", "horloge", "tambour", "prairie", "voilier",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, repr=False)
class Convocation:
    """Today's appointment of a made-up patient."""

    code: str
    hour: str
    name: str
    #: Birth date as it is said: day, month, year.
    born: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Made:
    """What a new demonstration tells once: everyone's proofs and the passphrase of the biologist's keys."""

    people: tuple[Person, ...]
    passphrase: str
    convocations: tuple[Convocation, ...]


class NotADemonstration(NotFound):
    """This instance is a real laboratory; its codes are shown to nobody."""

    french = "Ce dossier n'est pas une démonstration : ses codes ne se montrent pas."


def is_one(instance: Path) -> bool:
    """Whether this instance is a demonstration."""
    return (instance / "demonstration.toml").exists()


def found(instance: Path, *, station: str, at: datetime, chance: Chance) -> Made:
    """Found a demonstration in a new folder: people, appointments, walk-ins, matrix, promises of one minute."""
    names = ("labels", "tickets", "slips")
    addresses = {name: f"tcp://127.0.0.1:{port}" for name, port in zip(names, free_ports(3), strict=True)}
    answers = Answers(
        name="Laboratoire des Tilleuls", number=1, timezone="Europe/Paris", opens=time(7, 30), closes=time(18, 0),
        printers=Printers(**addresses), demonstration=True,
        promise_minutes=dict.fromkeys(("C0", "C1", "C2", "C3", "C4", "C5"), 1),
    )  # fmt: skip
    passphrase = " ".join(WORDS[byte % len(WORDS)] for byte in chance(6))
    fingerprint = make_keys(
        instance / "keys", instance / "keys-exchange", person=BIOLOGIST, passphrase=passphrase, chance=chance
    )
    write_settings(instance, answers, station=station, fingerprint=fingerprint, chance=chance)
    site = make_site(instance, answers, at=at, chance=chance)
    people = tuple(
        Person(name=name, login=login, roles=roles, password=_password(chance), seed=make_seed(chance))
        for name, login, roles in CAST
    )
    welcome_people(instance, people, biologist=BIOLOGIST, passphrase=passphrase, at=at, chance=chance)
    convocations = _fill(instance, site, at=at, chance=chance)
    made = Made(people=people, passphrase=passphrase, convocations=convocations)
    _keep(instance, made)
    return made


def welcome(made: Made) -> str:
    """What the terminal says once, when a demonstration was made."""
    lines = ["", "DÉMONSTRATION : un laboratoire inventé, avec des personnes inventées.", ""]
    lines += [f"  {one.name:<18} identifiant {one.login:<8} mot de passe {one.password}" for one in made.people]
    lines += ["", f"  Phrase des clés de la biologiste : {made.passphrase}", ""]
    lines += [
        "  Convocations d'aujourd'hui :",
        *(f"    {one.code}  {one.hour}  {one.name}" for one in made.convocations),
        "",
    ]
    return "\n".join(lines)


def codes(instance: Path, *, at: datetime) -> str:
    """Everyone's password and six digits of this moment.

    Raises:
        NotADemonstration: on a real laboratory.
    """
    kept = read_kept(instance)
    lines = [
        f"{one['name']:<18} {one['login']:<8} {one['password']}  code {TOTP(one['seed']).at(at)}"
        for one in kept["people"]
    ]
    left = 30 - int(at.timestamp()) % 30
    return "\n".join([*lines, f"Phrase des clés : {kept['passphrase']}", f"(codes valables encore {left} s)"])


def read_kept(instance: Path) -> dict[str, list[dict[str, str]]]:
    """The made-up people's proofs, kept for `demo codes` and the rehearsal.

    Raises:
        NotADemonstration: on a real laboratory.
    """
    if not is_one(instance):
        raise NotADemonstration
    return tomllib.loads((instance / "demonstration.toml").read_text(encoding="utf-8"))


def play_laboratory(instance: Path, *, at: datetime, chance: Chance) -> Tally:
    """Answer every tube drawn today, and take the answers in as any message.

    Raises:
        NotADemonstration: on a real laboratory.
    """
    read_kept(instance)
    with opened_instance(instance) as database:
        with database.reading() as db:
            messages = laboratory.answers(db, this_site(db), at=at, chance=chance)
        taken = take(
            database, messages, keys=KeyRing.load(instance / "keys"),
            exchange_keys=ExchangeKeys.load(instance / "keys-exchange"), is_production=False, at=at, chance=chance,
        )  # fmt: skip
    return taken.tally


def fake_printers(instance: Path, *, paper_port: int) -> list[Programme]:
    """The printers of a demonstration, which remember what they printed; none in a real laboratory."""
    if not is_one(instance):
        return []
    found_printers = printer_settings.read(instance / "printers.toml")
    command = [sys.executable, "-m", "printers", "fake", "--out", str(instance / "paper")]
    command += ["--instance", str(instance)]
    command += ["--page-port", str(paper_port)]
    for name, one in found_printers.items():
        command += [{"zpl": "--zpl", "ipp": "--ipp"}.get(one.kind, "--printer"), f"{name}={urlsplit(one.address).port}"]
    return [Programme(name="imprimantes de démonstration", command=command, port=paper_port)]


def _fill(instance: Path, site: Site, *, at: datetime, chance: Chance) -> tuple[Convocation, ...]:
    """Known patients, today's appointments and three people already in line."""
    convocations = []
    with opened_instance(instance) as database, database.transaction() as db:
        # Late in the evening the day is short: the last minute of it is as good an hour as any.
        last = clock.local(site.timezone, at).replace(hour=23, minute=59, second=0, microsecond=0)
        hour = min((at + timedelta(minutes=20)).replace(second=0, microsecond=0), last)
        for birth_name, used_name, given_names, birth_date, sex, exams in PATIENTS:
            patient = create_patient(
                db, site.id, id=uuid7(at, chance), birth_name=birth_name, given_names=given_names, used_name=used_name,
                birth_date=birth_date, sex=sex, birth_place="75056", by="init", at=at, key=chance(16).hex(),
            )  # fmt: skip
            db.flush()  # the appointment refers to the file
            if exams is None or hour <= at:
                continue
            booked = book(
                db, site, start=hour, birth_name=birth_name, given_names=given_names, birth_date=birth_date,
                exams=exams, patient=patient, by="init", at=at, chance=chance, key=chance(16).hex(),
            )  # fmt: skip
            said = birth_date[6:] + birth_date[4:6] + birth_date[:4]
            convocations.append(
                Convocation(
                    code=booked.code,
                    hour=clock.hour(site.timezone, hour),
                    name=f"{given_names} {birth_name}",
                    born=said,
                )
            )
            hour = min(hour + timedelta(minutes=10), last)
        midnight = clock.local(site.timezone, at).replace(hour=0, minute=0, second=0, microsecond=0)
        for minutes in (14, 9, 3):
            # Just after midnight too, whoever waits came today.
            came = max(at - timedelta(minutes=minutes), midnight)
            take_number(
                db, site, wait=announced(db, site, Stage.COUNTER, at=came), purpose=Purpose.WALK_IN, said=None,
                by="Borne 1", at=came, chance=chance, key=chance(16).hex(),
            )  # fmt: skip
    return tuple(convocations)


def _keep(instance: Path, made: Made) -> None:
    kept: list[tuple[str, str]] = [("passphrase", made.passphrase)]
    lines = ["# Personnes inventées ; ce fichier n'existe que dans une démonstration.", *_toml(kept)]
    for one in made.people:
        proofs = [("name", one.name), ("login", one.login), ("password", one.password), ("seed", one.seed)]
        lines += ["", "[[people]]", *_toml(proofs)]
    for told in made.convocations:
        shown = [("code", told.code), ("hour", told.hour), ("name", told.name), ("born", told.born)]
        lines += ["", "[[convocations]]", *_toml(shown)]
    write_private(instance / "demonstration.toml", "\n".join(lines) + "\n")


def _toml(pairs: list[tuple[str, str]]) -> list[str]:
    return [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in pairs]


def _password(chance: Chance) -> str:
    return "-".join(chance(2).hex() for _ in range(4))
