"""What is wrong with an instance is said in one sentence each, and nothing starts on what is dangerous."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from printers.rows import Proved
from printers.station.spool import StationSpool
from results.cli import main
from results.upkeep import supervise
from results.upkeep.check import Finding, check
from tests.founded import copy_of, real_laboratory

Fault = Callable[[Path], object]


def rewritten(name: str, old: str, new: str) -> Fault:
    """A settings file in which one thing was changed by hand."""

    def change(instance: Path) -> None:
        text = (instance / name).read_text(encoding="utf-8")
        assert old in text
        (instance / name).write_text(text.replace(old, new), encoding="utf-8")

    return change


def opened(name: str, mode: int) -> Fault:
    return lambda instance: (instance / name).chmod(mode)


def gone(name: str) -> Fault:
    return lambda instance: (instance / name).unlink()


def without(name: str, key: str) -> Fault:
    """A settings file that lost a line."""

    def change(instance: Path) -> None:
        lines = (instance / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (instance / name).write_text("".join(line for line in lines if not line.startswith(f"{key} =")))

    return change


def with_secret(secret: str) -> Fault:
    def change(instance: Path) -> None:
        without("kiosk.toml", "secret")(instance)
        text = (instance / "kiosk.toml").read_text(encoding="utf-8")
        (instance / "kiosk.toml").write_text(f'secret = "{secret}"\n{text}')

    return change


def other_version(name: str) -> Fault:
    def change(instance: Path) -> None:
        with closing(sqlite3.connect(instance / name)) as file:
            file.execute("UPDATE alembic_version SET version_num = '0000'")
            file.commit()

    return change


def without_site(instance: Path) -> None:
    with closing(sqlite3.connect(instance / "register.sqlite")) as file:
        file.execute("DELETE FROM site")
        file.commit()


#: What somebody did, and what they are told.
FAULTS: dict[str, tuple[Fault, str]] = {
    "the folder is open to all": (opened(".", 0o705), "est ouvert à tous. Faites : chmod 700"),
    "the register is read by others": (opened("register.sqlite", 0o604), "chmod 600"),
    "the results are read by others": (opened("results/results.sqlite", 0o644), "chmod 600"),
    "the kiosk settings are read by others": (opened("kiosk.toml", 0o644), "kiosk.toml est lisible par d'autres"),
    "the staff settings are read by others": (opened("staff.toml", 0o604), "staff.toml est lisible par d'autres"),
    "the station's key is read by others": (opened("station.key", 0o640), "station.key doit appartenir"),
    "the keys' folder is open": (opened("keys", 0o750), "keys doit avoir le mode 0700"),
    "a key may be written over": (opened("keys/pepper.1.key", 0o600), "pepper.1.key doit avoir le mode 0400"),
    "the line's keys are open": (opened("keys-exchange", 0o755), "keys-exchange doit avoir le mode 0700"),
    "the pepper is gone": (gone("keys/pepper.1.key"), "Il manque la clé pepper"),
    "a key of the line is gone": (gone("keys-exchange/message.1.key"), "Il manque la clé message"),
    "the station's key is gone": (gone("station.key"), "station.key : clé de la station illisible"),
    "the kiosk settings are gone": (gone("kiosk.toml"), "kiosk.toml n'existe pas"),
    "the printers' settings are gone": (gone("printers.toml"), "printers.toml : fichier illisible"),
    "the register is gone": (gone("register.sqlite"), "Il manque register.sqlite"),
    "the results are gone": (gone("results/results.sqlite"), "Il manque results/results.sqlite"),
    "an unknown setting": (rewritten("kiosk.toml", "demonstration =", "debug = true\ndemonstration ="), "« debug »"),
    "an unknown staff setting": (rewritten("staff.toml", "desks =", 'theme = "bleu"\ndesks ='), "« theme »"),
    "a missing setting": (without("staff.toml", "label_printer"), "il manque le réglage « label_printer »"),
    "a setting of another form": (rewritten("kiosk.toml", "= false", '= "non"'), "« demonstration » n'a pas"),
    "a kiosk out of reach": (
        rewritten("kiosk.toml", "demonstration =", 'screen = {"Borne 1" = {bottom_mm = 1100}}\ndemonstration ='),
        "doivent se trouver entre 380 et 1220 mm",
    ),
    "not a settings file": (rewritten("kiosk.toml", "=", "est"), "kiosk.toml :"),
    "a default secret": (with_secret("0" * 64), "« secret » n'est pas fait de 32 octets tirés au hasard"),
    "a short secret": (with_secret("changez-moi"), "« secret » n'est pas fait de 32 octets tirés au hasard"),
    "a printer that nobody knows": (rewritten("staff.toml", '"labels"', '"bureau"'), "l'imprimante « bureau »"),
    "an address that is none": (rewritten("printers.toml", "tcp://127.0.0.1:19101", "au fond"), "« address » est tcp"),
    "reports on tube labels": (
        rewritten("staff.toml", "ticket_printer =", 'report_printer = "labels"\nticket_printer ='),
        "Un compte rendu demande des feuilles « a4 »",
    ),
    "reports on a printer that is not there": (
        rewritten("staff.toml", "ticket_printer =", 'report_printer = "office"\nticket_printer ='),
        "ne connaît pas l'imprimante « office »",
    ),
    "tube labels on a roll": (rewritten("printers.toml", "label-50x25", "roll-80"), "Aucune étiquette de tube n'est"),
    "tickets of another roll": (
        rewritten("kiosk.toml", "ticket_printer", 'ticket_media = "roll-58"\nticket_printer'),
        "« ticket_media » n'est pas le papier de « tickets »",
    ),
    "a ticket printer that nobody knows": (rewritten("kiosk.toml", '"tickets"', '"hall"'), "l'imprimante « hall »"),
    "another station": (rewritten("staff.toml", 'station = "', 'station = "ab'), "« station » n'est pas la clé"),
    "another root of trust": (
        rewritten("staff.toml", 'fingerprint = "', 'fingerprint = "00'), "aucune clé de biologiste n'a l'empreinte",
    ),
    "older tables": (other_version("register.sqlite"), "Lancez « etiquette db upgrade »"),
    "older results": (other_version("results/results.sqlite"), "Lancez « etiquette db upgrade »"),
    "no site": (without_site, "Aucun site n'est enregistré"),
}  # fmt: skip


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return copy_of(real_laboratory().folder, tmp_path / "instance")


@pytest.fixture(autouse=True)
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should `serve` go on where it must not, this test says so instead of becoming the supervisor."""

    def started(_: object) -> None:
        raise AssertionError("the programmes were started")

    monkeypatch.setattr(supervise, "become_supervisor", started)


def ports() -> list[str]:
    return ["--public-port", "19310", "--staff-port", "19311"]


def beside_the_disk(findings: list[Finding]) -> list[Finding]:
    """Findings about this instance: how full the disk of the test machine is tells nothing."""
    return [finding for finding in findings if "sur le disque" not in finding.sentence]


def test_a_good_instance_has_nothing_to_say_and_may_start(instance: Path) -> None:
    assert beside_the_disk(check(instance)) == []
    done = CliRunner().invoke(main, ["--instance", str(instance), "serve", *ports()])
    assert isinstance(done.exception, AssertionError)  # it would have started


def test_an_office_printer_that_was_never_paired_is_said_and_stops_nothing(instance: Path) -> None:
    with (instance / "printers.toml").open("a", encoding="utf-8") as file:
        file.write('\n[printer.office]\nkind = "ipp"\naddress = "ipp://localhost:60000/ipp/print"\nmedia = "a4"\n')
    rewritten("staff.toml", "ticket_printer =", 'report_printer = "office"\nticket_printer =')(instance)
    with StationSpool(instance / "spool.sqlite") as spool:
        (instance / "spool.sqlite").touch(mode=0o600)
        assert spool.printers() == []
        (instance / "spool.sqlite").chmod(0o600)
        (finding,) = beside_the_disk(check(instance))
        assert "python -m printers pair office" in finding.sentence
        assert not finding.stops
        at = datetime(2026, 11, 22, tzinfo=UTC)
        spool.write_proved("office", Proved(model="M", process_id=True, status=True, at=at, by="roux"))
    assert beside_the_disk(check(instance)) == []


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_is_one_sentence_and_nothing_starts_on_it(instance: Path, name: str) -> None:
    fault, words = FAULTS[name]
    fault(instance)
    (finding,) = beside_the_disk(check(instance))
    assert words in finding.sentence
    assert finding.sentence.count("\n") == 0
    assert finding.stops
    checked = CliRunner().invoke(main, ["--instance", str(instance), "check"])
    assert checked.exit_code == 1
    assert finding.sentence in checked.output
    served = CliRunner().invoke(main, ["--instance", str(instance), "serve", *ports()])
    assert served.exit_code == 1
    assert finding.sentence in served.output
    assert isinstance(served.exception, SystemExit)


@pytest.mark.parametrize("name", ["kiosk.toml", "staff.toml", "station.key", "keys", "keys/fields.1.key"])
def test_a_file_of_another_user_is_refused(instance: Path, name: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another user: this proved nothing")
    os.chown(instance / name, 65534, 65534)
    findings = beside_the_disk(check(instance))
    assert findings
    assert all(finding.stops for finding in findings)
    assert any(Path(name).name.split(".")[0] in finding.sentence for finding in findings)


def test_several_faults_are_all_said(instance: Path) -> None:
    opened("kiosk.toml", 0o644)(instance)
    gone("keys/pepper.1.key")(instance)
    other_version("register.sqlite")(instance)
    done = CliRunner().invoke(main, ["--instance", str(instance), "check"])
    assert done.exit_code == 1
    assert done.output.count("À corriger : ") == 3


def test_an_empty_folder_is_no_laboratory(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["--instance", str(tmp_path), "check"])
    assert done.exit_code == 1
    assert "ne contient pas de laboratoire. Lancez « etiquette init »." in done.output


def test_a_full_disk_stops_and_a_filling_one_warns(instance: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for least, stops in ((10**18, True), (0, False)):
        monkeypatch.setattr("results.upkeep.check.LEAST_FREE", least)
        monkeypatch.setattr("results.upkeep.check.LITTLE_FREE", 10**18)
        (finding,) = check(instance)
        assert "Mo sur le disque" in finding.sentence
        assert finding.stops is stops
