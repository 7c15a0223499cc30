"""The command says in words what it did or why not, and never shows a traceback."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.formats.merkle import extend, hash_leaf
from kiosk.formats.scanned_note import squeeze
from kiosk.register import clock, journal
from kiosk.register.database import Side
from kiosk.register.events import announce
from kiosk.register.journal import Act, ResultsHead, ResultsLeaf, ResultsText
from kiosk.register.sites import this_site
from printers.spool import Spool
from results import matrix
from results.cli import main
from results.upkeep.demonstration import NotADemonstration
from results.upkeep.founding import opened_instance
from results.vault.keys import KeyRing
from tests.founded import HOUSE, PASSPHRASE, copy_of, demonstration_in, real_laboratory

MESSAGES = HOUSE / "tests" / "results" / "hl7v2" / "messages"
SHARED = HOUSE.parent / "shared" / "data" / "hl7"
COUNTS = ["read", "stored", "matched", "quarantined", "duplicate", "refused"]


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    """A real laboratory."""
    return copy_of(real_laboratory().folder, tmp_path / "instance")


def say(instance: Path, *words: str, typed: str = "") -> Result:
    """Run the command; a traceback is never an answer."""
    done = CliRunner().invoke(main, ["--instance", str(instance), *words], input=typed)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def received(instance: Path, *files: Path) -> dict[str, int]:
    """The counts of `results receive --json`, which always add up."""
    done = say(instance, "results", "receive", "--json", *map(str, files))
    assert done.exit_code == 0, done.output
    counts: dict[str, int] = json.loads(done.output)
    assert list(counts) == COUNTS
    assert counts["stored"] == counts["matched"] + counts["quarantined"]
    assert counts["read"] == counts["stored"] + counts["duplicate"] + counts["refused"]
    return counts


@pytest.mark.parametrize(
    "words",
    [
        ["--instance", "{}", "keys", "check"],
        ["keys", "--instance", "{}", "check"],
        ["keys", "check", "--instance", "{}"],
        ["keys", "check", "--instance={}"],
    ],
)
def test_the_folder_may_be_told_anywhere(instance: Path, words: list[str]) -> None:
    done = CliRunner().invoke(main, [word.replace("{}", str(instance)) for word in words])
    assert (done.exit_code, done.output) == (0, "Les clés sont en ordre.\n")


def test_a_folder_may_have_the_name_of_a_command(
    instance: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    instance.rename(tmp_path / "keys")
    done = CliRunner().invoke(main, ["keys", "check", "--instance", "keys"])
    assert (done.exit_code, done.output) == (0, "Les clés sont en ordre.\n")


@pytest.mark.parametrize(
    "words",
    [
        ["db", "upgrade"], ["demo", "codes"], ["demo", "lis"], ["staff", "disable", "x"], ["staff", "reset-totp", "x"],
        ["staff", "add", "x", "X", "--role", "secretary"], ["journal", "verify"], ["journal", "note"], ["purge"],
        ["purge", "--dry-run"], ["matrix", "show"],
        ["matrix", "sign", str(matrix.PROPOSAL)], ["tubes", "show"], ["tubes", "sign"], ["keys", "check"], ["serve"],
        ["check"],
        ["results", "receive", str(MESSAGES / "plain.hl7")],
        ["rehearse", "--url", "http://localhost:9/", "--staff-url", "http://localhost:9/"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_on_an_empty_folder_every_command_answers_in_one_sentence_and_makes_nothing(
    tmp_path: Path, words: list[str]
) -> None:
    done = say(tmp_path, *words)
    assert done.exit_code == 1
    assert len(done.output.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_sides_of_a_laboratory_that_lost_a_file_are_not_made_anew(instance: Path) -> None:
    (instance / "results" / "results.sqlite").unlink()
    for words in (["db", "upgrade"], ["journal", "verify"], ["matrix", "show"]):
        done = say(instance, *words)
        assert (done.exit_code, "Il manque results/results.sqlite." in done.output) == (1, True)
    assert not (instance / "results" / "results.sqlite").exists()


def test_the_tables_are_brought_up_to_date_and_twice_is_the_same(instance: Path) -> None:
    for _ in range(2):
        done = say(instance, "db", "upgrade")
        assert (done.exit_code, done.output) == (0, "Les tables sont à jour.\n")


@pytest.mark.parametrize("command", ["codes", "lis"])
def test_a_real_laboratory_shows_no_codes_and_plays_no_results(instance: Path, command: str) -> None:
    done = say(instance, "demo", command)
    assert (done.exit_code, done.output) == (1, f"Error: {NotADemonstration.french}\n")


def test_first_keys_are_made_closed_and_never_over_others(tmp_path: Path) -> None:
    short = say(tmp_path, "keys", "make", "lenoir", typed="court\ncourt\n")
    assert short.exit_code == 1
    assert "au moins 16 caractères" in short.output
    assert not (tmp_path / "keys").exists()
    made = say(tmp_path, "keys", "make", "lenoir", typed=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert made.exit_code == 0, made.output
    assert PASSPHRASE not in made.output
    assert say(tmp_path, "keys", "check").exit_code == 0
    before = {file.name: file.read_bytes() for file in (tmp_path / "keys").iterdir()}
    again = say(tmp_path, "keys", "make", "lenoir", typed=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert again.exit_code == 1
    assert "déjà des clés" in again.output
    assert {file.name: file.read_bytes() for file in (tmp_path / "keys").iterdir()} == before
    (tmp_path / "keys" / "pepper.1.key").chmod(0o440)
    wrong = say(tmp_path, "keys", "check")
    assert wrong.exit_code == 1
    assert "pepper.1.key doit avoir le mode 0400" in wrong.output


def test_the_table_in_force_is_shown_and_a_new_one_needs_the_biologists_phrase(instance: Path, tmp_path: Path) -> None:
    shown = say(instance, "matrix", "show")
    assert shown.exit_code == 0
    assert shown.output.startswith("Table n° 1\n")
    assert len(shown.output.splitlines()) > 50
    table = json.loads(matrix.PROPOSAL.read_bytes())
    table["routes"]["C0"]["phone"]["with_code"] = "nobody"
    file = tmp_path / "table.json"
    file.write_text(json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    wrong = say(instance, "matrix", "sign", str(file), typed="lenoir\nune phrase qui n'ouvre rien\n")
    assert (wrong.exit_code, "n'ouvre pas ces clés" in wrong.output) == (1, True)
    assert say(instance, "matrix", "show").output == shown.output
    signed = say(instance, "matrix", "sign", str(file), typed=f"lenoir\n{PASSPHRASE}\n")
    assert signed.exit_code == 0, signed.output
    assert "La table n° 2 est signée" in signed.output
    now = say(instance, "matrix", "show").output.splitlines()
    assert now[0] == "Table n° 2"
    assert [line for line in now[1:] if line.split() == ["C0", "phone", "with_code", "nobody"]]
    with opened_instance(instance) as database, database.reading() as db:
        found = matrix.in_force(db, KeyRing.load(instance / "keys"), clock.now() + timedelta(seconds=1))
    assert found is not None
    assert found.version == 2


def test_the_table_of_tubes_is_shown_signed_and_asked_for_again_after_a_change(instance: Path) -> None:
    shown = say(instance, "tubes", "show")
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("Table des tubes non validée")
    assert shown.output.index("CITRATE ") < shown.output.index("EDTA ") < shown.output.index("SELLES ")
    assert "0536 Ammoniémie" in shown.output
    signed = say(instance, "tubes", "sign", typed=f"lenoir\n{PASSPHRASE}\n")
    assert signed.exit_code == 0, signed.output
    assert "La table des tubes n° 1 est signée" in signed.output
    digest = signed.output.split("Empreinte : ")[1].strip()
    now = say(instance, "tubes", "show").output.splitlines()
    assert now[0] == f"Table des tubes n° 1, signée par lenoir, empreinte {digest}"
    assert now[1:] == shown.output.splitlines()[1:]
    again = say(instance, "tubes", "sign", typed=f"lenoir\n{PASSPHRASE}\n")
    assert (again.exit_code, "déjà signée" in again.output) == (1, True)
    assert "Phrase" not in again.output
    settings = instance / "staff.toml"
    settings.write_text(settings.read_text("utf-8").replace('cap = "violet"', 'cap = "mauve"', 1), "utf-8")
    assert say(instance, "tubes", "show").output.startswith("Table des tubes non validée")
    assert say(instance, "journal", "verify").exit_code == 0


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('cap = "violet"', 'couleur = "violet"', "réglage inconnu « couleur »"),
        ('words = "CITRATE", cap', 'words = "MMMMMMMMMMMM", cap', "« CITRATE » est trop large pour l'étiquette"),
    ],
)
def test_a_table_of_tubes_that_cannot_be_used_is_not_signed_and_nothing_starts(
    instance: Path, old: str, new: str, told: str
) -> None:
    settings = instance / "staff.toml"
    settings.write_text(settings.read_text("utf-8").replace(old, new, 1), "utf-8")
    for words in (["tubes", "sign"], ["check"], ["serve"]):
        done = say(instance, *words)
        assert (done.exit_code, told in done.output) == (1, True), done.output


def test_what_is_no_table_is_not_signed(instance: Path, tmp_path: Path) -> None:
    file = tmp_path / "table.json"
    file.write_text('{"routes": "toutes"}')
    done = say(instance, "matrix", "sign", str(file), typed=f"lenoir\n{PASSPHRASE}\n")
    assert (done.exit_code, "n'est pas une table de remise" in done.output) == (1, True)


@pytest.mark.parametrize(
    ("side", "words", "file", "table"),
    [
        ("register", "registre", "register.sqlite", "journal_leaf"),
        ("results", "résultats", "results/results.sqlite", "journal_leaf"),
        ("register", "registre", "register.sqlite", "journal_text"),
        ("results", "résultats", "results/results.sqlite", "journal_text"),
    ],
)
def test_one_changed_byte_of_a_journal_is_found_and_its_number_told(
    instance: Path, side: Side, words: str, file: str, table: str
) -> None:
    with opened_instance(instance) as database, database.transaction(side) as db:
        for _ in range(12):
            journal.write(db, side, Act.BACKUP_MADE, by="test", at=clock.now(), chance=clock.chance)
    sound = say(instance, "journal", "verify")
    assert sound.exit_code == 0
    assert sound.output.count("intact.") == 2
    column = "hash" if table == "journal_leaf" else "text"
    with closing(sqlite3.connect(instance / file)) as opened:
        (kept,) = opened.execute(f"SELECT {column} FROM {table} WHERE seq = 5").fetchone()  # noqa: S608  # our names
        changed = bytes([kept[0] ^ 1]) + kept[1:] if column == "hash" else "[" + kept[1:]
        opened.execute(f"UPDATE {table} SET {column} = ? WHERE seq = 5", (changed,))  # noqa: S608
        opened.commit()
    done = say(instance, "journal", "verify")
    assert done.exit_code == 1
    line = next(line for line in done.output.splitlines() if words in line)
    assert "modifié à partir de l'entrée 5." in line
    assert done.output.count("intact.") == 1


def test_a_journal_that_was_written_anew_is_found_by_the_note_alone(instance: Path, tmp_path: Path) -> None:
    out = tmp_path / "safe"
    with opened_instance(instance) as database, database.transaction("results") as db:
        for number in range(12):
            journal.write(db, "results", Act.BACKUP_MADE, by="test", at=clock.now(), chance=clock.chance, disk=number)
    made = say(instance, "journal", "note", "--out", str(out))
    assert made.exit_code == 0
    assert "La note part à l'imprimante « tickets »." in made.output
    notes = [out / "register.note", out / "results.note"]
    assert all(note.read_text("utf-8") in made.output for note in notes)
    spool = Spool(instance / "spool.sqlite")
    with spool:
        (job,) = [one for one in spool.jobs() if one.kind == "journal-note"]
    assert job.printer == "tickets"
    scans = [word for note in notes for word in ("--scan", squeeze(note.read_text("utf-8")))]
    files = [word for note in notes for word in ("--note", str(note))]
    for words in (files, scans, [*files, *scans]):
        done = say(instance, "journal", "verify", *words)
        assert (done.exit_code, done.output.count("intact.")) == (0, 2), done.output
    with opened_instance(instance) as database, database.transaction("results") as db:
        forge(db, 7)
    assert say(instance, "journal", "verify").exit_code == 0
    done = say(instance, "journal", "verify", *scans)
    assert done.exit_code == 1
    assert "Journal (résultats)" in done.output
    assert "modifié à partir de l'entrée 0." in done.output
    assert "Comparé à 1 papier(s) ou note(s)." in done.output


def forge(db: Session, seq: int) -> None:
    """An insider with the database: one word changed, then every hash computed again."""
    row, leaf = db.get_one(ResultsText, seq), db.get_one(ResultsLeaf, seq)
    row.text = row.text.replace('"at":1', '"at":2')
    leaf.hash = hash_leaf(row.salt, row.text.encode())
    db.flush()
    edge: tuple[bytes, ...] = ()
    for place, one in enumerate(db.scalars(select(ResultsLeaf.hash).order_by(ResultsLeaf.seq))):
        edge = extend(edge, place, one)
    db.get_one(ResultsHead, 1).edge = b"".join(edge)


def test_a_paper_that_is_not_ours_is_refused_in_words(instance: Path) -> None:
    for words in (
        ["--scan", "ETQJ1B22"],
        ["--scan", "bonjour"],
        ["--ticket", "J 12"],
        ["--note", str(HOUSE / "LICENSE")],
    ):
        done = say(instance, "journal", "verify", *words)
        assert done.exit_code == 1
        assert "Ce n'est pas une note signée par ce laboratoire" in done.output
        assert "intact" not in done.output


def test_a_purge_knows_every_table_in_a_programme_that_has_loaded_nothing_else(instance: Path) -> None:
    start = "import sys; from results.cli import main; sys.argv[0] = 'etiquette'; main()"
    words = [sys.executable, "-c", start, "--instance", str(instance), "purge"]
    for more in (["--dry-run"], []):
        done = subprocess.run([*words, *more], cwd=HOUSE, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["Rien à retirer."]), done.stderr


def test_a_purge_counts_first_and_says_what_backups_still_hold(instance: Path) -> None:
    before = say(instance, "journal", "verify").output
    nothing = say(instance, "purge", "--dry-run")
    assert (nothing.exit_code, nothing.output.splitlines()[-1]) == (0, "Rien à retirer.")
    with opened_instance(instance) as database, database.transaction() as db:
        announce(db, this_site(db).id, "line", {}, at=clock.now() - timedelta(days=3))
    counted = say(instance, "purge", "--dry-run")
    assert counted.output.startswith("À retirer aujourd'hui :")
    assert "les deux disques" in counted.output.splitlines()[-1]
    assert say(instance, "journal", "verify").output == before
    done = say(instance, "purge")
    assert (done.exit_code, done.output.splitlines()[0]) == (0, "Retiré :")
    line = next(line for line in done.output.splitlines() if line.split()[0] == "event")
    assert line.split()[1:] == ["1", "gardé", "2", "jours"]
    assert say(instance, "purge").output.splitlines()[-1] == "Rien à retirer."
    assert "purge.done" in _words(instance)


@pytest.mark.parametrize("kind", ["pepper", "release", "journal"])
def test_a_key_is_rotated_in_two_visits_and_everything_still_verifies(instance: Path, kind: str) -> None:
    first = say(instance, "keys", "rotate", kind)
    assert first.exit_code == 0
    assert f"Clé {kind} : version 2" in first.output
    assert "Relancez les programmes" in first.output
    assert ("dernière note de l'ancienne clé" in first.output) is (kind == "journal")
    assert say(instance, "keys", "check").exit_code == 0
    second = say(instance, "keys", "rotate", kind)
    assert (second.exit_code, second.output.splitlines()[-1]) == (0, "L'ancienne est retirée.")
    assert not (instance / "keys" / f"{kind}.1.key").exists()
    assert say(instance, "keys", "check").exit_code == 0
    assert "key.rotated" in _words(instance)
    with Spool(instance / "spool.sqlite") as spool:
        assert len([one for one in spool.jobs() if one.kind == "journal-note"]) == (kind == "journal")


def test_keys_that_no_backup_holds_come_back_with_a_biologists_passphrase(instance: Path) -> None:
    lost = (
        "keys/release.1.key",
        "keys/fields.1.key",
        "keys/journal.1.key",
        "keys/cookie.key",
        "keys-exchange/intake.1.key",
    )
    for name in lost:
        (instance / name).unlink()
    refused = say(instance, "keys", "check")
    assert refused.exit_code == 1
    assert "etiquette keys restore" in refused.output
    assert say(instance, "keys", "restore", typed="lenoir\nune autre phrase que la sienne\n").exit_code == 1
    done = say(instance, "keys", "restore", typed=f"lenoir\n{PASSPHRASE}\n")
    assert done.exit_code == 0
    assert "Rendu : keys/release.1.key" in done.output
    assert PASSPHRASE not in done.output
    assert say(instance, "keys", "check").exit_code == 0
    assert say(instance, "journal", "verify").exit_code == 0
    assert "key.rotated" in _words(instance)
    assert "Rien ne manque." in say(instance, "keys", "restore", typed=f"lenoir\n{PASSPHRASE}\n").output


def _words(instance: Path) -> str:
    with opened_instance(instance) as database, database.reading() as db:
        return "".join(db.scalars(select(ResultsText.text)))


@pytest.fixture
def demonstration(tmp_path: Path) -> Path:
    demonstration_in(tmp_path / "demonstration")
    return tmp_path / "demonstration"


def test_received_files_are_counted_and_the_same_again_are_all_known(demonstration: Path) -> None:
    files = sorted(MESSAGES.glob("*.hl7"))
    first = received(demonstration, *files)
    assert first["read"] >= len(files)
    assert first["stored"] + first["refused"] > 0
    second = received(demonstration, *files)
    assert second == dict.fromkeys(COUNTS, 0) | {"read": first["read"], "duplicate": first["read"]}


def test_a_cut_message_is_kept_for_a_person_and_nothing_of_it_is_shown(demonstration: Path) -> None:
    counts = received(demonstration, MESSAGES / "truncated.hl7")
    assert counts["read"] == 1
    assert counts["matched"] == 0
    plain = (MESSAGES / "plain.hl7").read_bytes()
    cut = demonstration.parent / "cut.hl7"
    for end in (0, 1, 9, len(plain) // 2, len(plain) - 9):
        cut.write_bytes(plain[:end])
        told = say(demonstration, "results", "receive", str(cut))
        assert told.exit_code == 0
        assert "GARNIER" not in told.output.upper()
        assert received(demonstration, cut)["duplicate"] == 1


def test_a_person_is_told_the_reasons_in_words(demonstration: Path) -> None:
    done = say(demonstration, "results", "receive", str(MESSAGES / "plain.hl7"))
    assert done.exit_code == 0
    assert "1 lus : 1 gardés" in done.output
    assert "1 × " in done.output


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_what_is_no_file_is_said_before_anything_is_taken(demonstration: Path, as_json: list[str]) -> None:
    good = str(MESSAGES / "plain.hl7")
    for wrong, words in ((demonstration.parent, "n'est pas un fichier"), (Path("rien.hl7"), "n'existe pas")):
        done = say(demonstration, "results", "receive", *as_json, good, str(wrong))
        assert done.exit_code == 1
        assert words in done.output
        assert "Aucun fichier n'a été pris." in done.output
    assert received(demonstration, Path(good))["stored"] == 1


def test_the_files_of_other_makers_are_all_accounted_for(demonstration: Path) -> None:
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not here: nothing was received from other makers")
    files = sorted(path for path in SHARED.rglob("*") if path.suffix.lower() == ".hl7")[::4]
    first = received(demonstration, *files)
    assert first["read"] >= len(files) > 50
    second = received(demonstration, *files)
    assert second == dict.fromkeys(COUNTS, 0) | {"read": first["read"], "duplicate": first["read"]}
    assert first["refused"] < first["read"]


def test_results_are_not_taken_in_without_the_lines_keys(demonstration: Path) -> None:
    (demonstration / "keys-exchange").chmod(0o755)
    done = say(demonstration, "results", "receive", str(MESSAGES / "plain.hl7"))
    assert (done.exit_code, "doit avoir le mode 0700" in done.output) == (1, True)


def test_the_two_addresses_of_a_running_laboratory_go_together(demonstration: Path) -> None:
    done = say(demonstration, "rehearse", "--url", "http://localhost:9/")
    assert done.exit_code == 2
    assert "vont ensemble" in done.output
