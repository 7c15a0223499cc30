"""A programme refuses to start on a settings file that it cannot trust."""

from pathlib import Path

import pytest

from kiosk.settings import KioskSettings, StaffSettings, UnsafeSettings, read_private, read_settings

SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdef0123456789abcdef"
KIOSK = f"""register = "register.sqlite"
spool = "spool.sqlite"
station = "{"ab" * 64}"
ticket_printer = "tickets"
secret = "{SECRET}"
demonstration = false
"""
STAFF = f"""register = "register.sqlite"
results = "results.sqlite"
spool = "spool.sqlite"
station = "{"ab" * 64}"
keys = "keys"
keys_exchange = "keys-exchange"
biologist_fingerprint = "{"cd" * 32}"
label_printer = "labels"
slip_printer = "slips"
ticket_printer = "tickets"
desks = ["Guichet 1", "Guichet 2"]
rooms = ["Salle 1"]
promise_minutes = {{ C0 = 240, C1 = 480 }}
demonstration = true
"""


def settings_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "programme.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_a_whole_file_is_read_and_frozen(tmp_path: Path) -> None:
    read = read_settings(settings_file(tmp_path, KIOSK), KioskSettings)
    assert (read.ticket_printer, read.secret, read.kiosk) == ("tickets", SECRET, "Borne 1")
    with pytest.raises(AttributeError):
        read.secret = "x"  # type: ignore[misc]


def test_lists_become_tuples_and_tables_stay_tables(tmp_path: Path) -> None:
    read = read_settings(settings_file(tmp_path, STAFF), StaffSettings)
    assert read.desks == ("Guichet 1", "Guichet 2")
    assert read.promise_minutes == {"C0": 240, "C1": 480}


@pytest.mark.parametrize("line", [line for line in KIOSK.splitlines() if line])
def test_each_missing_setting_is_named(tmp_path: Path, line: str) -> None:
    name = line.partition(" ")[0]
    with pytest.raises(UnsafeSettings, match=f"il manque le réglage « {name} »"):
        read_settings(settings_file(tmp_path, KIOSK.replace(line + "\n", "")), KioskSettings)


def test_an_unknown_setting_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UnsafeSettings, match="ligne 7 : réglage inconnu « colour »"):
        read_settings(settings_file(tmp_path, KIOSK + 'colour = "red"\n'), KioskSettings)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("demonstration = true", 'demonstration = "true"'),
        ("demonstration = true", "demonstration = 1"),
        ('spool = "spool.sqlite"', "spool = 3"),
        ('rooms = ["Salle 1"]', 'rooms = "Salle 1"'),
        ('rooms = ["Salle 1"]', "rooms = [1]"),
        ("{ C0 = 240, C1 = 480 }", '{ C0 = "240" }'),
        ("{ C0 = 240, C1 = 480 }", "{ C0 = true }"),
        ("{ C0 = 240, C1 = 480 }", "[240]"),
    ],
)
def test_a_setting_of_another_kind_is_refused(tmp_path: Path, right: str, wrong: str) -> None:
    assert right in STAFF
    with pytest.raises(UnsafeSettings, match="n'a pas la bonne forme"):
        read_settings(settings_file(tmp_path, STAFF.replace(right, wrong)), StaffSettings)


@pytest.mark.parametrize("secret", ["", "dev", "Admin", "0" * 64, "01" * 32, SECRET[:-1], SECRET + "0", SECRET.upper()])
def test_a_short_or_guessable_secret_is_refused_and_not_repeated(tmp_path: Path, secret: str) -> None:
    with pytest.raises(UnsafeSettings, match="32 octets") as told:
        read_settings(settings_file(tmp_path, KIOSK.replace(SECRET, secret)), KioskSettings)
    assert not secret or secret not in str(told.value)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o601, 0o666, 0o644])
def test_a_file_that_others_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(UnsafeSettings, match="chmod 600"):
        read_private(settings_file(tmp_path, KIOSK, mode))


def test_a_missing_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(UnsafeSettings, match="etiquette init"):
        read_private(tmp_path / "nothing.toml")


def test_a_broken_file_is_refused_with_its_name_and_without_its_words(tmp_path: Path) -> None:
    with pytest.raises(UnsafeSettings, match=r"programme\.toml") as told:
        read_settings(settings_file(tmp_path, KIOSK + f"{SECRET} {SECRET}\n"), KioskSettings)
    assert SECRET not in str(told.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = settings_file(tmp_path, "")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnsafeSettings, match=r"programme\.toml"):
        read_settings(path, KioskSettings)
