"""The questions that the terminal asks a person, each again until the answer will be accepted."""

import io
import json
import re
from datetime import time
from functools import partial
from pathlib import Path
from zoneinfo import available_timezones

import click
import qrcode

from kiosk.register.accounts import LOGIN, BadLogin, LoginTaken
from kiosk.register.clock import Chance, Clock
from kiosk.register.errors import Refusal
from kiosk.register.staff import Role, check_password, make_seed, seed_address, step_of
from printers import settings as printer_settings
from printers.errors import WrongSettings
from results.upkeep.founding import Answers, Person, Printers
from results.vault.keys import SHORTEST_PASSPHRASE, BiologistKeys, PassphraseTooShort, unlock


def ask_laboratory() -> Answers:
    """Ask what a laboratory is: its name, place and hours, and where its printers are."""
    name = click.prompt("Nom du laboratoire")
    number = click.prompt("Numéro du site, sur chaque tube (1 à 99)", type=click.IntRange(1, 99), default=1)
    zone = click.prompt("Fuseau horaire du territoire", default="Europe/Paris", value_proc=_zone)
    opens = click.prompt("Heure d'ouverture", default="7:30", value_proc=_hour)
    closes = click.prompt("Heure de fermeture", default="18:00", value_proc=partial(_closing, opens=opens))
    click.echo("Adresses des imprimantes : tcp://adresse:9100 ou file:///dev/usb/lp0")
    addresses: list[str] = []
    for what in ("étiquettes des tubes", "tickets de la borne", "talons confidentiels, au guichet"):
        addresses.append(click.prompt(f"  {what}", value_proc=partial(_address, taken=tuple(addresses))))
    labels, tickets, slips = addresses
    printers = Printers(labels=labels, tickets=tickets, slips=slips)
    return Answers(name=name, number=number, timezone=zone, opens=opens, closes=closes, printers=printers)


def ask_person(
    roles: tuple[Role, ...], *, site: str, now: Clock, chance: Chance, taken: tuple[str, ...] = ()
) -> Person:
    """Ask a person for name and login, a password, and the six digits that prove their authenticator.

    Args:
        roles: what the person will be.
        site: the laboratory's name, for the authenticator.
        now: asked again for every try of the six digits.
        chance: gives the seed.
        taken: logins that somebody has already.
    """
    name = click.prompt("Nom, comme les collègues le lisent")
    login = click.prompt("Identifiant (minuscules sans accent)", value_proc=partial(_login, taken=taken))
    password = ask_password(login)
    seed = make_seed(chance)
    step = ask_enrolment(seed, login, site=site, now=now)
    return Person(name=name, login=login, roles=roles, password=password, seed=seed, step=step)


def ask_passphrase(words: str) -> str:
    """Ask twice for a passphrase that the keys will accept."""
    while True:
        passphrase: str = click.prompt(words, hide_input=True, confirmation_prompt="Encore une fois")
        if len(passphrase) >= SHORTEST_PASSPHRASE:
            return passphrase
        click.echo(PassphraseTooShort.french)


def ask_password(login: str) -> str:
    """Ask twice for a password that the account of this login will accept."""
    while True:
        password: str = click.prompt(
            "Mot de passe (12 signes au moins)", hide_input=True, confirmation_prompt="Encore une fois"
        )
        try:
            check_password(password, login=login)
        except Refusal as refused:
            click.echo(refused.sentence)
        else:
            return password


def ask_enrolment(seed: str, login: str, *, site: str, now: Clock) -> int:
    """Show the seed as a QR in the terminal until the owner has typed its six digits; tell their step."""
    code = qrcode.QRCode()
    code.add_data(seed_address(seed, login=login, site=site))
    drawn = io.StringIO()
    code.print_ascii(out=drawn, invert=True)
    click.echo(drawn.getvalue())
    click.echo(f"Ou tapez cette clé dans l'application d'authentification : {seed}")
    while True:
        typed = click.prompt("Les six chiffres qu'elle affiche")
        step = step_of(seed, typed, at=now(), after=0)
        if step is not None:
            return step
        click.echo("Ces six chiffres ne correspondent pas. Attendez les suivants et recopiez-les.")


def ask_biologist(folder: Path) -> tuple[str, BiologistKeys]:
    """Ask the biologist who is there to unlock the keys; give the login and the keys."""
    login = click.prompt("Biologiste présent (identifiant)")
    passphrase = click.prompt("Phrase de ses clés", hide_input=True)
    return login, unlock(folder, login, passphrase)


def _zone(typed: str) -> str:
    if typed not in available_timezones():
        raise click.BadParameter("Ce fuseau n'existe pas. Exemples : Europe/Paris, Indian/Reunion, America/Cayenne.")
    return typed


def _hour(typed: str) -> time:
    said = re.fullmatch(r"([0-9]{1,2})\s*[:hH]\s*([0-9]{2})?", typed.strip())
    try:
        if said is not None:
            return time(int(said[1]), int(said[2] or 0))
    except ValueError:
        pass  # 25:00 has the form of an hour, and is none
    raise click.BadParameter("Écrivez l'heure ainsi : 7:30")


def _closing(typed: str, *, opens: time) -> time:
    closes = _hour(typed)
    if closes <= opens:  # the kiosk would say that the laboratory is closed, all day
        raise click.BadParameter(f"L'heure de fermeture vient après l'ouverture, {opens:%H:%M}")
    return closes


def _login(typed: str, *, taken: tuple[str, ...]) -> str:
    login = typed.strip()
    if LOGIN.fullmatch(login) is None:
        raise click.BadParameter(BadLogin.french)
    if login in taken:
        raise click.BadParameter(LoginTaken.french)
    return login


def _address(typed: str, *, taken: tuple[str, ...]) -> str:
    address = typed.strip()
    try:
        printer_settings.parse(f'[printer.one]\naddress = {json.dumps(address)}\nmedia = "roll-80"\n')
    except WrongSettings:
        raise click.BadParameter("Écrivez l'adresse ainsi : tcp://192.168.1.20:9100 ou file:///dev/usb/lp0") from None
    if address in taken:
        raise click.BadParameter("Cette adresse est déjà celle d'une autre imprimante.")
    return address
