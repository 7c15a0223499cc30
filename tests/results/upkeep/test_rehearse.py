"""The rehearsal holds from the door to the telephone, and names the step that does not."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from results.cli import main
from results.upkeep import rehearse as rehearsal
from results.upkeep.demonstration import NotADemonstration
from results.upkeep.journey import Journey, NotAsPromised
from results.upkeep.laboratory import MARKED_VALUE
from results.upkeep.rehearse import Place, Step, rehearse, temporary_laboratory
from tests.founded import HOUSE
from tests.processes import command_of, family, lives, until

pytestmark = [pytest.mark.timeout(300), pytest.mark.long]

STEPS = [
    "Borne : un patient scanne sa convocation",
    "Borne : un patient vient sans rendez-vous",
    "Tickets imprimés",
    "Guichet : le poste est jumelé par la responsable",
    "Guichet : la secrétaire entre avec ses deux preuves",
    "Guichet : verrouillé, puis de retour avec six chiffres",
    "Guichet : appel, reconnaissance, ordonnance du patient attendu",
    "Étiquettes du patient attendu, relues sur le papier",
    "Téléphone choisi, code personnel tapé, talon lu sur le papier",
    "Guichet : le patient sans rendez-vous, nouveau dossier",
    "Étiquettes du patient sans rendez-vous",
    "Prélèvement : le tube d'un autre patient est arrêté",
    "Prélèvement : chaque tube est scanné",
    "Résultats reçus, scellés, rattachés",
    "Biologiste : clés ouvertes, compte rendu lu et signé",
    "Heure promise",
    "Téléphone : résultat dit contre le code du talon",
    "Téléphone : le même code une seconde fois est refusé",
    "Journaux intacts",
]


def test_the_whole_morning_holds() -> None:
    message = HOUSE / "tests" / "results" / "hl7v2" / "messages" / "plain.hl7"
    done = subprocess.run(
        [sys.executable, "-m", "results.cli", "rehearse", "--json", "--results", str(message)],
        capture_output=True, text=True, cwd=HOUSE, timeout=280, check=False,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"]) == (0, True), done.stdout + done.stderr[-400:]
    assert [step["name"] for step in told["steps"]] == STEPS
    assert all(step["ok"] and step["seconds"] >= 0 for step in told["steps"])
    assert '"read": 1' in next(step["words"] for step in told["steps"] if step["name"].startswith("Résultats"))
    # What is printed may stand in a mail: the codes that were read are counted, never shown.
    assert MARKED_VALUE not in done.stdout


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The folder of a demonstration that does not run: what the rehearsal reads of it before the first step."""
    people = "".join(f'[[people]]\nname = "{one}"\nlogin = "{one}"\nseed = "A"\n' for one in ("sophie", "karim"))
    told = f'passphrase = "p"\n{people}[[convocations]]\ncode = "ABCDEF"\nname = "Jeanne Moreau"\nborn = "28021954"\n'
    (tmp_path / "demonstration.toml").write_text(told)
    return tmp_path


def test_a_station_that_hangs_is_found_by_its_step_and_afterwards_no_process_and_no_folder_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("results.upkeep.journey.PAPER", 4.0)
    with temporary_laboratory() as place:
        mine = [pid for pid in family(os.getpid()) if str(place.instance) in command_of(pid)]
        (station,) = [pid for pid in mine if "printers station" in command_of(pid)]
        os.kill(station, signal.SIGSTOP)  # its supervisor sees it alive, and no paper comes out
        try:
            words = ["--instance", str(place.instance), "rehearse", "--json"]
            done = CliRunner().invoke(main, [*words, "--url", place.public, "--staff-url", place.staff])
        finally:
            os.kill(station, signal.SIGCONT)
    told = json.loads(done.output)
    assert (done.exit_code, told["ok"]) == (1, False)
    assert [step["ok"] for step in told["steps"]] == [True, True, False]
    assert told["steps"][-1]["name"] == "Tickets imprimés"
    assert "le papier n'est pas sorti" in told["steps"][-1]["words"]
    assert not place.instance.parent.exists()
    until(lambda: not any(lives(pid) and str(place.instance) in command_of(pid) for pid in mine), "the programmes")


def test_a_laboratory_that_does_not_answer_is_found_at_the_door(kept: Path) -> None:
    nowhere = "http://localhost:9/"
    done = CliRunner().invoke(main, ["--instance", str(kept), "rehearse", "--url", nowhere, "--staff-url", nowhere])
    assert done.exit_code == 1
    assert done.output.startswith("✘")
    assert STEPS[0] in done.output
    assert "La répétition s'est arrêtée" in done.output


def test_nobody_rehearses_on_a_real_laboratory(tmp_path: Path) -> None:
    nowhere = Place(instance=tmp_path, public="http://localhost:9/", staff="http://localhost:9/")
    with pytest.raises(NotADemonstration):
        rehearse(nowhere, results=None, tell=lambda _: None)


@pytest.mark.parametrize(
    "fault",
    [
        NotAsPromised("le papier manque"), LookupError("no form"), ConnectionResetError(104, "reset"),
        TimeoutError(), ValueError("not a number"), subprocess.TimeoutExpired(["etiquette"], 120),
    ],
    ids=lambda fault: type(fault).__name__,
)  # fmt: skip
def test_whatever_breaks_ends_the_walk_at_its_step_with_words(
    kept: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    walked: list[Step] = []

    def breaks() -> str:
        raise fault

    steps = [("un", lambda: "bien"), ("deux", breaks), ("trois", lambda: "jamais")]
    monkeypatch.setattr(Journey, "steps", lambda _: iter(steps))
    nowhere = Place(instance=kept, public="http://localhost:9/", staff="http://localhost:9/")
    assert rehearse(nowhere, results=None, tell=walked.append) is False
    assert [(step.name, step.ok) for step in walked] == [("un", True), ("deux", False)]
    assert walked[-1].words


def test_programmes_that_do_not_start_are_said_as_a_step_of_the_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "PATIENCE", 0.0)
    done = CliRunner().invoke(main, ["rehearse", "--json"])
    told = json.loads(done.output)
    assert (done.exit_code, told["ok"]) == (1, False)
    assert "Les programmes ne sont pas prêts" in told["steps"][-1]["words"]
