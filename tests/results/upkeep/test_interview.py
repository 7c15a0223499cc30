"""A laboratory is founded at a terminal by its own people, with proofs that are theirs, or not at all."""

import hashlib
import os
import stat
import tomllib
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from pyotp import TOTP

from kiosk.register import clock
from kiosk.register.accounts import BadLogin, LoginTaken, NotYourself
from kiosk.register.clock import Chance
from kiosk.register.sites import this_site
from kiosk.register.staff import WeakPassword, make_seed
from printers import settings as printer_settings
from printers.errors import WrongSettings
from results.cli import main
from results.upkeep import interview
from results.upkeep.check import check
from results.upkeep.founding import AlreadyFounded, make_folders, opened_instance
from results.vault.keys import PassphraseTooShort
from tests.founded import (
    HOUSE,
    LABORATORY,
    PASSPHRASE,
    PASSWORD,
    Founded,
    Terminal,
    copy_of,
    door_of,
    enrol,
    real_laboratory,
)

AT = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def founded() -> Founded:
    return real_laboratory()


@pytest.fixture
def instance(founded: Founded, tmp_path: Path) -> Path:
    return copy_of(founded.folder, tmp_path / "instance")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def fingerprint(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file and folder with its mode and content."""
    return {
        str(path.relative_to(folder)): (
            mode(path),
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in [folder, *folder.rglob("*")]
    }


def test_a_laboratory_is_founded_and_nothing_is_wrong_with_it(founded: Founded) -> None:
    assert founded.code == 0, founded.transcript[-600:]
    assert "Le laboratoire est installé." in founded.transcript
    assert [finding for finding in check(founded.folder) if "disque" not in finding.sentence] == []
    with opened_instance(founded.folder) as database, database.reading() as db:
        site = this_site(db)
    assert (site.name, site.number, site.timezone) == (LABORATORY, 7, "Indian/Reunion")
    assert (f"{site.opens:%H:%M}", f"{site.closes:%H:%M}") == ("07:15", "17:00")


def test_the_seed_is_shown_as_a_square_that_a_telephone_reads_and_in_letters(founded: Founded) -> None:
    assert founded.transcript.count("▄") > 100
    assert all(seed in founded.transcript for seed in founded.seeds.values())


def test_every_slip_of_the_hand_is_answered_in_words_and_asked_again(founded: Founded) -> None:
    for words in (
        WeakPassword.french, PassphraseTooShort.french, BadLogin.french, LoginTaken.french,
        "Ces six chiffres ne correspondent pas.", "Ce fuseau n'existe pas.", "Écrivez l'heure ainsi",
        "L'heure de fermeture vient après l'ouverture, 07:15",
        "Écrivez l'adresse ainsi", "Cette adresse est déjà celle d'une autre imprimante.",
    ):  # fmt: skip
        assert words in founded.transcript, words


def test_no_secret_that_was_typed_stands_on_the_screen(founded: Founded) -> None:
    assert PASSPHRASE not in founded.transcript
    assert PASSWORD not in founded.transcript


def test_folders_keys_and_settings_are_closed_to_others(founded: Founded) -> None:
    folder = founded.folder
    for room in (folder, folder / "results", folder / "keys", folder / "keys-exchange"):
        assert mode(room) == 0o700, room
    for keys in ("keys", "keys-exchange"):
        for file in (folder / keys).iterdir():
            assert mode(file) == 0o400, file
    for name in ("kiosk.toml", "staff.toml", "printers.toml", "station.key", "register.sqlite"):
        assert mode(folder / name) == 0o600, name
    assert mode(folder / "results" / "results.sqlite") == 0o600
    assert not (folder / "demonstration.toml").exists()


def test_no_secret_is_a_default_one(founded: Founded, tmp_path: Path) -> None:
    told = tomllib.loads((founded.folder / "kiosk.toml").read_text())
    example = tomllib.loads((HOUSE / "instance" / "kiosk.example.toml").read_text())
    assert told["secret"] != example["secret"]
    assert len(set(founded.seeds.values())) == 2
    assert told["demonstration"] is False


def test_the_founders_sign_in_but_not_with_the_digits_of_their_enrolment(instance: Path, founded: Founded) -> None:
    with door_of(instance, at=founded.at) as door:
        # The step that was typed at the enrolment is spent: within its half minute it opens nothing.
        assert not door.enter("alex", PASSWORD, founded.typed["alex"])
        door.later(seconds=90)
        assert not door.enter("alex", "un autre mot de passe", door.digits(founded.seeds["alex"]))
        door.later(seconds=90)
        assert door.enter("alex", PASSWORD, door.digits(founded.seeds["alex"]))
        assert door.enter("lenoir", PASSWORD, door.digits(founded.seeds["lenoir"]))


def test_a_second_founding_is_refused_before_any_question(instance: Path) -> None:
    before = fingerprint(instance)
    done = CliRunner().invoke(main, ["--instance", str(instance), "init"])
    assert done.exit_code == 1
    assert done.output.strip() == f"Error: {AlreadyFounded.french}"
    assert fingerprint(instance) == before


def test_keys_that_were_made_before_are_never_lost_to_a_founding(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "escrow.1.lenoir.wrapped").write_text("made in another place")
    before = fingerprint(tmp_path)
    done = CliRunner().invoke(main, ["--instance", str(tmp_path), "init"])
    assert (done.exit_code, AlreadyFounded.french in done.output) == (1, True)
    assert fingerprint(tmp_path) == before


class Falters:
    """Chance that gives bytes until the machine has none left."""

    def __init__(self, chance: Chance, after: int, fault: BaseException) -> None:
        self.chance, self.left, self.fault = chance, after, fault

    def __call__(self, size: int) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise self.fault
        return self.chance(size)


def _given(drawn: bytes, _: int) -> bytes:
    return drawn


def answers(drawn: list[bytes]) -> str:
    """Everything that is typed, in order, for people whose seeds are made of these bytes."""
    seeds = iter([make_seed(partial(_given, one)) for one in drawn])
    asked = ["Labo", "1", "Europe/Paris", "7:30", "18:00", "tcp://a:1", "tcp://a:2", "tcp://a:3"]
    for name in ("lenoir", "alex"):
        asked += [name, name, PASSWORD, PASSWORD, TOTP(next(seeds)).at(AT)]
        asked += [PASSPHRASE, PASSPHRASE] if name == "lenoir" else []
    return "\n".join(asked) + "\n"


@pytest.mark.parametrize(
    ("existed", "after", "fault"),
    [
        (False, 2, OSError(28, "no space left")),  # no key yet
        (True, 4, KeyboardInterrupt()),
        (True, 20, OSError(28, "no space left")),  # keys, settings, tables
        (False, 36, KeyboardInterrupt()),  # people
    ],
)
def test_a_founding_that_fails_leaves_nothing_behind(
    tmp_path: Path, chance: Chance, existed: bool, after: int, fault: BaseException
) -> None:
    instance = tmp_path / "instance"
    if existed:
        instance.mkdir(mode=0o755)
        (instance / "README.md").write_text("stays")
    before = fingerprint(tmp_path)
    drawn = [chance(20), chance(20)]
    typed = answers(drawn)
    faltering = Falters(lambda size: drawn.pop(0) if drawn else chance(size), after, fault)
    reached = []

    def station() -> str:
        make_folders(instance)
        (instance / "station.key").write_text("a key")
        reached.append(True)
        return "ab" * 64

    @click.command()
    def command() -> None:
        interview.found(instance, make_station=station, now=lambda: AT, chance=faltering)

    done = CliRunner().invoke(command, input=typed)
    assert reached == [True], done.output[-500:]
    assert done.exit_code != 0
    assert fingerprint(tmp_path) == before


def test_a_station_key_that_stands_already_is_said_and_kept(tmp_path: Path, chance: Chance) -> None:
    (tmp_path / "station.key").write_text("of a station that runs elsewhere")
    before = fingerprint(tmp_path)
    drawn = [chance(20), chance(20)]
    typed = answers(drawn)

    def station() -> str:
        raise WrongSettings("station.key existe déjà")

    @click.command()
    def command() -> None:
        giving = lambda size: drawn.pop(0) if drawn else chance(size)  # noqa: E731
        interview.found(tmp_path, make_station=station, now=lambda: AT, chance=giving)

    done = CliRunner().invoke(command, input=typed)
    assert isinstance(done.exception, WrongSettings), done.output[-500:]
    assert fingerprint(tmp_path) == before


def test_an_account_is_added_with_proofs_of_its_own_then_reset_then_closed(instance: Path, founded: Founded) -> None:
    person = Terminal(("--instance", str(instance), "staff", "add", "nadia", "Nadia Benali", "--role", "secretary"))
    person.answer("Biologiste présent (identifiant)", "lenoir")
    person.answer("Phrase de ses clés", PASSPHRASE)
    seed, typed = enrol(person)
    assert person.end() == 0, person.seen[-500:]
    assert "Le compte « nadia » est ouvert." in person.seen
    with door_of(instance, wait=0) as door:
        assert not door.enter("nadia", PASSWORD, typed)
        door.later(seconds=90)
        assert door.enter("nadia", PASSWORD, door.digits(seed))
    for whom, second, password, digits, sentence in (
        ("nadia", "personne", PASSWORD, "000000", interview.NotProved.french),
        ("nadia", "alex", "faux mot de passe", later_digits(founded.seeds["alex"]), interview.NotProved.french),
        ("lenoir", "lenoir", PASSWORD, later_digits(founded.seeds["lenoir"], 1), NotYourself.french),
    ):
        alone = resets(instance, whom, second, password, digits)
        assert (alone.exit_code, sentence in alone.output) == (1, True), alone.output
        assert "valable une heure" not in alone.output
    done = resets(instance, "nadia", "alex", PASSWORD, later_digits(founded.seeds["alex"], 1))
    assert done.exit_code == 0, done.output
    assert "valable une heure" in done.output
    with door_of(instance, wait=300) as door:
        assert not door.enter("nadia", PASSWORD, door.digits(seed))
    again = Terminal(("--instance", str(instance), "staff", "add", "nadia", "Nadia Autre", "--role", "secretary"))
    assert again.end() == 1
    assert LoginTaken.french in again.seen


def test_a_lost_pepper_is_said_with_the_way_back(instance: Path) -> None:
    (instance / "keys" / "pepper.1.key").unlink()
    (lost,) = check(instance)
    assert (lost.stops, "etiquette keys rotate pepper" in lost.sentence) == (True, True)
    done = CliRunner().invoke(main, ["--instance", str(instance), "keys", "rotate", "pepper"])
    assert (done.exit_code, "Le poivre était perdu." in done.output) == (0, True), done.output
    assert check(instance) == []


def later_digits(seed: str, steps: int = 0) -> str:
    """Six digits that an authenticator shows now, or in so many half minutes."""
    return TOTP(seed).at(clock.now(), counter_offset=steps)


def resets(instance: Path, login: str, second: str, password: str, digits: str) -> Result:
    """Somebody at the terminal takes an account's proofs away; a second person types theirs."""
    words = ["--instance", str(instance), "staff", "reset-totp", login]
    return CliRunner().invoke(main, words, input=f"{second}\n{password}\n{digits}\n")


def test_a_closed_account_opens_nothing_from_that_instant(instance: Path, founded: Founded) -> None:
    with door_of(instance) as door:
        assert door.enter("alex", PASSWORD, door.digits(founded.seeds["alex"]))
        assert door.client.get("/", base_url="https://labo.test").status_code == 200
        done = CliRunner().invoke(main, ["--instance", str(instance), "staff", "disable", "alex"])
        assert done.exit_code == 0, done.output
        assert door.client.get("/", base_url="https://labo.test").status_code == 401
        door.later(seconds=90)
        assert not door.enter("alex", PASSWORD, door.digits(founded.seeds["alex"]))


@pytest.mark.parametrize("command", [["staff", "disable"], ["staff", "reset-totp"]])
def test_a_login_that_nobody_has_is_said(instance: Path, command: list[str]) -> None:
    done = CliRunner().invoke(main, ["--instance", str(instance), *command, "personne"])
    assert (done.exit_code, interview.NoAccount.french in done.output) == (1, True)


def test_a_role_that_does_not_exist_is_said_with_those_that_do(instance: Path) -> None:
    done = CliRunner().invoke(main, ["--instance", str(instance), "staff", "add", "x", "X", "--role", "directeur"])
    assert done.exit_code == 2
    assert "Rôle inconnu : directeur" in done.output
    assert "secretary" in done.output


def test_without_the_biologists_phrase_nobody_is_added(instance: Path) -> None:
    words = ["--instance", str(instance), "staff", "add", "nadia", "Nadia", "--role", "secretary"]
    done = CliRunner().invoke(main, words, input="lenoir\nune autre phrase bien longue\n")
    assert done.exit_code == 1
    assert "Cette phrase n'ouvre pas ces clés." in done.output


def test_addresses_that_were_accepted_are_read_by_the_station(founded: Founded) -> None:
    found = printer_settings.read(founded.folder / "printers.toml")
    assert {name: one.address for name, one in found.items()} == {
        "labels": "tcp://127.0.0.1:19101", "tickets": "tcp://127.0.0.1:19102", "slips": "tcp://127.0.0.1:19103",
    }  # fmt: skip


def test_files_belong_to_whoever_founded(founded: Founded) -> None:
    assert {path.stat().st_uid for path in founded.folder.rglob("*")} == {os.geteuid()}
