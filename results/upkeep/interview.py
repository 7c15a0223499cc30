"""What is done at the terminal with a person present: a laboratory founded, accounts and keys made, tables signed."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

import click
from sqlalchemy.orm import Session

from kiosk.presence.recovery import take_proofs_away
from kiosk.presence.roles import grant_role, propose_role, roles_of
from kiosk.presence.signins import knock
from kiosk.presence.withdrawing import disable
from kiosk.register.accounts import LoginTaken, equip, make_staff, staff_by_login, staff_of
from kiosk.register.clock import Chance, Clock
from kiosk.register.errors import Invalid, NotAllowed, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.sites import this_site
from kiosk.register.staff import (
    Actor,
    Right,
    Role,
    hash_password,
    make_seed,
    verify_password,
)  # fmt: skip
from kiosk.settings import StaffSettings, read_settings
from results.matrix import keep_head, read_routes
from results.matrix import sign_matrix as sign_next
from results.office.leaving import keep_endings
from results.trust.keyholders import let_in, refuse_known
from results.trust.power import KeyRingPower
from results.upkeep.asking import ask_biologist, ask_enrolment, ask_laboratory, ask_passphrase, ask_password, ask_person
from results.upkeep.founding import (
    make_site,
    opened_instance,
    refuse_founded,
    welcome_people,
    whole_or_nothing,
    write_settings,
)  # fmt: skip
from results.vault.keys import KeyRing, make_keys
from results.vault.sealing import sign

#: Whoever runs the command has the machine itself: it is journaled as such, and is nobody's own account.
_TERMINAL = Actor(id=UUID(int=0), name="terminal", roles=frozenset({Role.ADMINISTRATOR}))


class NotProved(Invalid):
    """The login, the password and the six digits of the second person do not go together; nothing was changed."""

    french = "L'identifiant, le mot de passe et les six chiffres ne vont pas ensemble. Rien n'a été changé."


class NotABiologist(NotAllowed):
    """Keys are made for a biologist; have the role signed first."""

    french = "Ce compte n'a pas le rôle de biologiste. Faites d'abord signer ce rôle."


class NoAccount(NotFound):
    """No account has this login; look at its spelling."""

    french = "Aucun compte n'a cet identifiant. Regardez comment il s'écrit."


def found(instance: Path, *, make_station: Callable[[], str], now: Clock, chance: Chance) -> None:
    """Ask what a laboratory is, then found it; whatever fails leaves the folder as it was."""
    refuse_founded(instance)
    answers = ask_laboratory()
    click.echo("\nPremier biologiste : il est la racine de confiance, et tape lui-même ce qui suit.")
    biologist = ask_person((Role.BIOLOGIST,), site=answers.name, now=now, chance=chance)
    click.echo("Phrase de ses clés : 16 signes au moins. Personne ne pourra la retrouver à sa place.")
    passphrase = ask_passphrase("Phrase")
    click.echo("\nPremier administrateur :")
    administrator = ask_person(
        (Role.ADMINISTRATOR,), site=answers.name, now=now, chance=chance, taken=(biologist.login,)
    )
    with whole_or_nothing(instance):
        station = make_station()
        fingerprint = make_keys(
            instance / "keys", instance / "keys-exchange", person=biologist.login, passphrase=passphrase, chance=chance
        )
        write_settings(instance, answers, station=station, fingerprint=fingerprint, chance=chance)
        make_site(instance, answers, at=now(), chance=chance)
        people = (biologist, administrator)
        welcome_people(instance, people, biologist=biologist.login, passphrase=passphrase, at=now(), chance=chance)
    click.echo("\nLe laboratoire est installé. Empreinte de la clé du biologiste, à garder sur papier signé :")
    click.echo("  " + " ".join(fingerprint[start : start + 8] for start in range(0, 64, 8)))
    click.echo("Ensuite : etiquette check, puis etiquette serve. Autres comptes : etiquette staff add.")


def make_first_keys(instance: Path, person: str, *, chance: Chance) -> None:
    """Make the keys of an instance that has none yet; the biologist types the passphrase."""
    passphrase = ask_passphrase("Phrase (16 signes au moins)")
    fingerprint = make_keys(
        instance / "keys", instance / "keys-exchange", person=person, passphrase=passphrase, chance=chance
    )
    click.echo(f"Clés faites. Empreinte pour staff.toml et le papier signé : {fingerprint}")


def add_biologist(instance: Path, login: str, *, now: Clock, chance: Chance) -> None:
    """Make another biologist's keys: one who is in office signs for them, the new one types a passphrase."""
    power, folder = lent_power(instance)
    with writing_results(instance) as db:
        account = account_of(db, login, power)
        if Role.BIOLOGIST not in roles_of(db, account, power):
            raise NotABiologist
    refuse_known(KeyRing.load(folder), login)
    signer_login, unlocked = ask_biologist(folder)
    click.echo(f"À {login} de taper sa phrase. Personne ne pourra la retrouver à sa place.")
    passphrase = ask_passphrase("Phrase (16 signes au moins)")
    with writing_results(instance) as db:
        signer = account_of(db, signer_login, power)
        write(db, "results", Act.SIGNER_SIGNED, by=signer, at=now(), chance=chance, staff=account)
    public = let_in(KeyRing.load(folder), person=login, passphrase=passphrase, by=unlocked, at=now(), chance=chance)
    fingerprint = hashlib.sha256(public).hexdigest()
    click.echo(f"Les clés de « {login} » sont faites. Empreinte, à garder sur papier signé :")
    click.echo("  " + " ".join(fingerprint[start : start + 8] for start in range(0, 64, 8)))


def add_person(instance: Path, login: str, name: str, roles: tuple[str, ...], *, now: Clock, chance: Chance) -> None:
    """Make an account whose roles a biologist signs on the spot; its owner sets the two proofs."""
    wanted = tuple(Role(role) for role in _known_roles(roles))
    power, folder = lent_power(instance)
    with opened_instance(instance) as database, database.reading() as db:
        site = this_site(db).name
        if staff_by_login(db, login, power) is not None:
            raise LoginTaken
    signer_login, unlocked = ask_biologist(folder)
    password = ask_password(login)
    seed = make_seed(chance)
    step = ask_enrolment(seed, login, site=site, now=now)
    hashed = hash_password(password, chance=chance)
    with writing_results(instance) as db:
        signer = account_of(db, signer_login, power)
        made = make_staff(db, name=name, login=login, by=None, power=power, at=now(), chance=chance).staff
        equip(db, made, password_hash=hashed, seed=seed, step=step, power=power, at=now(), chance=chance)
        for role in wanted:
            grant = propose_role(db, made.id, role, by=None, power=power, at=now(), chance=chance)
            signing = partial(sign, unlocked.signer_seed)
            grant_role(db, grant, by=signer, sign=signing, power=power, at=now(), chance=chance)
    click.echo(f"Le compte « {login} » est ouvert.")


def close_account(instance: Path, login: str, *, now: Clock, chance: Chance) -> None:
    """Close an account from this instant on."""
    power, folder = lent_power(instance)
    with writing_results(instance) as db:
        disable(db, account_of(db, login, power), by=_TERMINAL, power=power, at=now(), chance=chance)
    with opened_instance(instance) as database, database.reading() as db:
        keep_endings(db, KeyRing.load(folder), power)
    click.echo(f"Le compte « {login} » est fermé.")


def reset_proofs(instance: Path, login: str, *, now: Clock, chance: Chance) -> None:
    """Take an account's proofs away with a second person present, and give the code for setting new ones."""
    power, _ = lent_power(instance)
    with writing_results(instance) as db:
        account = account_of(db, login, power)
    second = _ask_second_person(instance, power, now=now, chance=chance)
    with writing_results(instance) as db:
        invited = take_proofs_away(db, account, by=second, power=power, at=now(), chance=chance)
    click.echo(f"Code à donner en main propre, valable une heure : {invited.code}")
    click.echo("La personne l'utilise à la page d'entrée, « Première fois ».")


def sign_new_matrix(instance: Path, file: Path, *, now: Clock, chance: Chance) -> None:
    """Sign a new version of who may be told what, with the biologist's passphrase."""
    routes = read_routes(file.read_bytes())
    power, folder = lent_power(instance)
    login, unlocked = ask_biologist(folder)
    with writing_results(instance) as db:
        signer = account_of(db, login, power)
        signed = sign_next(db, routes, valid_from=now(), biologist=unlocked, by=signer, at=now(), chance=chance)
    keep_head(folder, signed)
    click.echo(f"La table n° {signed.version} est signée et en vigueur.")


def _ask_second_person(instance: Path, power: KeyRingPower, *, now: Clock, chance: Chance) -> Actor:
    """Whoever sits at the terminal has the machine; a colleague who may proves to be there too."""
    click.echo("Une deuxième personne est là : biologiste, responsable ou administrateur, et pas celle du compte.")
    login = click.prompt("Deuxième personne (identifiant)")
    password = click.prompt("Son mot de passe", hide_input=True)
    digits = click.prompt("Ses six chiffres")
    with writing_results(instance) as db:
        found = knock(db, login, digits, device="terminal", power=power, at=now(), chance=chance)
    proved = verify_password(found.password_hash, password) and found.passed
    with writing_results(instance) as db:
        if found.staff_id is None or not proved:
            raise NotProved
        staff, roles = staff_of(db, found.staff_id, power), roles_of(db, found.staff_id, power)
        second = Actor(id=staff.id, name=staff.name, roles=roles)
        if not second.may(Right.CONFIRM_RESET):
            raise NotAllowed
        return second


def lent_power(instance: Path) -> tuple[KeyRingPower, Path]:
    """The keys of power of an instance, and the folder of its keys."""
    settings = read_settings(instance / "staff.toml", StaffSettings)
    folder = instance / settings.keys
    return KeyRingPower(KeyRing.load(folder), biologist_fingerprint=settings.biologist_fingerprint), folder


@contextmanager
def writing_results(instance: Path) -> Iterator[Session]:
    """One transaction that writes the results of an instance."""
    with opened_instance(instance) as database, database.transaction("results") as db:
        yield db


def account_of(db: Session, login: str, power: KeyRingPower) -> UUID:
    """The staff id of a login; NoAccount when nobody has it."""
    account = staff_by_login(db, login, power)
    if account is None:
        raise NoAccount
    return account.id


def _known_roles(roles: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [role for role in roles if role not in set(Role)]
    if unknown:
        raise click.BadParameter(f"Rôle inconnu : {unknown[0]}. Il y a : {', '.join(Role)}.")
    return roles
