"""An instance is founded closed, whole, and never over another."""

import random
import stat
import tomllib
from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from kiosk.register.database import OtherTables
from kiosk.register.sites import this_site
from kiosk.settings import KioskSettings, StaffSettings, read_settings
from printers import settings as printer_settings
from results.upkeep.founding import (
    REGISTER,
    RESULTS,
    AlreadyFounded,
    Answers,
    Printers,
    make_folders,
    make_site,
    opened_instance,
    require_files,
    whole_or_nothing,
    write_private,
    write_settings,
    write_toml,
)

AT = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
ANSWERS = Answers(
    name='Labo "du Port" \\ Œuvre n° 1', number=42, timezone="America/Cayenne", opens=time(6, 45), closes=time(13, 0),
    printers=Printers(labels="tcp://10.0.0.1:9100", tickets="file:///dev/usb/lp0", slips="tcp://10.0.0.3:9100"),
    desks=("Guichet A", "Guichet « B »"), rooms=("Salle 1", "Salle 2"),
)  # fmt: skip


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "instance"


def written(instance: Path, seed: int = 1) -> Path:
    make_folders(instance)
    chance = random.Random(seed).randbytes
    write_settings(instance, ANSWERS, station="ab" * 64, fingerprint="cd" * 32, chance=chance)
    return instance


def test_folders_are_closed_to_everybody_else_also_when_they_stood_open(instance: Path) -> None:
    instance.mkdir(parents=True, mode=0o755)
    make_folders(instance)
    assert (mode(instance), mode(instance / "results")) == (0o700, 0o700)


def test_what_was_answered_is_what_the_programmes_read(instance: Path) -> None:
    written(instance)
    kiosk = read_settings(instance / "kiosk.toml", KioskSettings)
    staff = read_settings(instance / "staff.toml", StaffSettings)
    assert (kiosk.demonstration, staff.demonstration) == (False, False)
    assert staff.desks == ANSWERS.desks
    assert staff.rooms == ANSWERS.rooms
    assert staff.promise_minutes == dict(ANSWERS.promise_minutes)
    found = printer_settings.read(instance / "printers.toml")
    assert {name: one.address for name, one in found.items()} == {
        "labels": "tcp://10.0.0.1:9100", "tickets": "file:///dev/usb/lp0", "slips": "tcp://10.0.0.3:9100",
    }  # fmt: skip
    assert {staff.label_printer, staff.slip_printer, staff.ticket_printer} == set(found)
    assert {mode(instance / name) for name in ("kiosk.toml", "staff.toml", "printers.toml")} == {0o600}


def test_the_public_settings_name_nothing_of_the_staffs(instance: Path) -> None:
    text = (written(instance) / "kiosk.toml").read_text()
    assert not [word for word in ("results", "keys", "fingerprint", "slip") if word in text]


def test_two_laboratories_have_two_secrets(tmp_path: Path) -> None:
    first, second = (tomllib.loads((written(tmp_path / f"{n}", n) / "kiosk.toml").read_text()) for n in (1, 2))
    assert first["secret"] != second["secret"]


def test_the_site_is_what_was_answered_and_both_files_are_closed(instance: Path, tmp_path: Path) -> None:
    written(instance)
    make_site(instance, ANSWERS, at=AT, chance=random.Random(1).randbytes)
    with opened_instance(instance) as database, database.reading() as db:
        site = this_site(db)
    told = (site.name, site.number, site.timezone, site.opens, site.closes)
    assert told == (ANSWERS.name, 42, "America/Cayenne", time(6, 45), time(13, 0))
    assert {mode(instance / name) for name in (REGISTER, RESULTS)} == {0o600}


@pytest.mark.parametrize("left", ["staff.toml", REGISTER, "keys/pepper.1.key", "keys-exchange/intake.1.key"])
def test_nothing_is_founded_where_a_laboratory_or_its_keys_are(instance: Path, left: str) -> None:
    (instance / left).parent.mkdir(parents=True)
    (instance / left).write_text("of another laboratory")
    reached = []
    with pytest.raises(AlreadyFounded):
        make_folders(instance)
    with pytest.raises(AlreadyFounded), whole_or_nothing(instance):
        reached.append(True)
    assert reached == []
    assert (instance / left).read_text() == "of another laboratory"


def half_found(instance: Path, fault: BaseException) -> None:
    with whole_or_nothing(instance):
        written(instance)
        (instance / "keys").mkdir()
        (instance / "keys" / "one.key").write_text("half")
        raise fault


@pytest.mark.parametrize("fault", [ValueError("no"), KeyboardInterrupt(), SystemExit(1)])
def test_a_failed_founding_takes_away_what_it_made_and_nothing_else(tmp_path: Path, fault: BaseException) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir(mode=0o750)
    (old / "notes").mkdir()
    (old / "notes" / "one.txt").write_text("stays")
    for instance in (old, new):
        with pytest.raises(type(fault)):
            half_found(instance, fault)
    assert not new.exists()
    assert [path.name for path in old.rglob("*")] == ["notes", "one.txt"]
    assert mode(old) == 0o750


def test_a_founding_that_ends_well_stays(instance: Path) -> None:
    with whole_or_nothing(instance):
        written(instance)
    assert (instance / "staff.toml").exists()


def test_an_instance_is_closed_again_whatever_happens_in_it(instance: Path) -> None:
    written(instance)
    make_site(instance, ANSWERS, at=AT, chance=random.Random(1).randbytes)
    seen = []

    def fail() -> None:
        with opened_instance(instance) as database:
            seen.append(database)
            with database.reading() as db:
                this_site(db)
            raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        fail()
    assert seen[0].reading_engine.pool.checkedin() == 0  # type: ignore[attr-defined]  # a queue pool has it


@pytest.mark.parametrize("file", [REGISTER, RESULTS])
def test_a_lost_file_is_named_and_not_made_anew(instance: Path, file: str) -> None:
    written(instance)
    make_site(instance, ANSWERS, at=AT, chance=random.Random(1).randbytes)
    require_files(instance)
    (instance / file).unlink()
    with pytest.raises(OtherTables, match=f"Il manque {file}"), opened_instance(instance):
        pass
    assert not (instance / file).exists()


def test_a_private_file_is_closed_before_anything_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "one.toml"
    file.write_text("open")
    file.chmod(0o644)
    write_private(file, "é")
    assert (mode(file), file.read_text(encoding="utf-8")) == (0o600, "é")


def test_every_kind_of_value_comes_back_as_it_was(tmp_path: Path) -> None:
    values = {"text": 'l\'« Œuvre » "1" \\ \t\u00e9', "number": 7, "flag": True, "list": ["a", 'b"']}
    write_toml(tmp_path / "one.toml", "Titre", values, table={"C0": 1})
    assert tomllib.loads((tmp_path / "one.toml").read_text(encoding="utf-8")) == values | {"table": {"C0": 1}}
