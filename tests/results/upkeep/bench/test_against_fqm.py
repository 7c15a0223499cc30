"""Another queue manager runs beside ours: from a copy, with one sentence when it cannot."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

from kiosk.register import clock
from printers.station.keys import make_station_key
from results.cli import main
from results.upkeep.bench.beside import fqm
from results.upkeep.bench.beside.fqm import Fqm, running
from results.upkeep.bench.rounds import Ground, Unready
from results.upkeep.bench.serving import Browser
from results.upkeep.founding import make_folders

STAND_IN = Path(__file__).with_name("queue_stand_in.py")


@pytest.fixture
def ground(tmp_path: Path, checkout: Path) -> Iterator[Ground]:
    (tmp_path / "ground").mkdir()
    with ExitStack() as closing:
        yield Ground(
            folder=tmp_path / "ground", now=clock.now, chance=clock.chance, make_station=station, closing=closing,
            fqm=checkout,
        )  # fmt: skip


def station(folder: Path) -> str:
    make_folders(folder)
    return str(make_station_key(folder / "station.key", clock.chance))


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(one): (one.lstat().st_mtime_ns, one.lstat().st_size) for one in sorted(folder.rglob("*"))}


def waiting(programme: Fqm) -> int:
    with sqlite3.connect(programme.rows) as db:
        return int(db.execute("SELECT count(*) FROM serials WHERE p = 0").fetchone()[0])


def test_it_gives_tickets_and_calls_from_a_copy_of_its_sources(ground: Ground, checkout: Path) -> None:
    before = everything(checkout)
    with running(ground) as programme:
        assert waiting(programme) == programme.called() - 1 == 0  # the ticket that is nobody's
        with programme.kiosk() as kiosk:
            programme.take(kiosk)
            programme.take(kiosk)
        assert waiting(programme) == 2
        with programme.counter() as counter:
            programme.call(counter)
        assert (waiting(programme), programme.called()) == (1, 2)
        for people in (5, 3, 4):
            programme.leave_in_line(people, clock.now())
            assert waiting(programme) == people
        with sqlite3.connect(programme.rows) as db:
            assert db.execute("SELECT announce FROM displays").fetchone() == ("false",)
    with pytest.raises(ConnectionRefusedError):
        Browser(programme.port).ask("/")
    assert everything(checkout) == before


def test_what_it_has_translated_is_kept(ground: Ground, checkout: Path) -> None:
    (checkout / fqm.TRANSLATIONS).write_text('{"": {}, "Add": {"en": "Add"}}', encoding="utf-8")
    with running(ground) as programme:
        assert "Add" in (programme.rows.parent / fqm.TRANSLATIONS).read_text(encoding="utf-8")
    assert (checkout / fqm.TRANSLATIONS).read_text(encoding="utf-8") == '{"": {}, "Add": {"en": "Add"}}'


@pytest.mark.parametrize(("programme", "words"), [
    ("import sys; sys.exit(1)", "un programme ne répond pas"),
    (STAND_IN.read_text(encoding="utf-8").replace("csrf_token", "other"), "formulaire"),
    (STAND_IN.read_text(encoding="utf-8").replace('"Admin", "admin"', '"Admin", "changed"'), "refuse"),
    (STAND_IN.read_text(encoding="utf-8").replace("pulledBy INTEGER, ", ""), "range ses tickets autrement"),
])  # fmt: skip
def test_one_that_is_not_as_known_is_told_from_a_slow_one(
    ground: Ground, checkout: Path, programme: str, words: str
) -> None:
    (checkout / "run.py").write_text(programme, encoding="utf-8")
    with pytest.raises(Unready, match=words), running(ground):
        pass


@pytest.mark.parametrize(("missing", "words"), [
    ("app", "n'est pas un dossier de FQM"),
    ("run.py", "n'est pas un dossier de FQM"),
    (".venv", "python3 -m venv .venv"),
])  # fmt: skip
def test_a_folder_that_cannot_be_run_is_said_in_one_sentence_before_anything_is_measured(
    checkout: Path, tmp_path: Path, missing: str, words: str
) -> None:
    gone = checkout / missing
    gone.rename(tmp_path / "gone")
    told = CliRunner().invoke(main, ["--instance", str(tmp_path / "laboratory"), "bench", "--fqm", str(checkout)])
    assert told.exit_code == 2
    assert words in told.output
    assert len(told.output.strip().splitlines()) == 1


def test_a_start_that_fails_ends_the_bench_with_two(checkout: Path, tmp_path: Path) -> None:
    (checkout / "run.py").write_text("raise SystemExit(1)", encoding="utf-8")
    told = CliRunner().invoke(
        main, ["--instance", str(tmp_path / "laboratory"), "bench", "ticket_fqm", "--fqm", str(checkout)]
    )
    assert told.exit_code == 2
    assert "FQM ne s'ouvre pas comme prévu" in told.output.splitlines()[-1]


def test_without_a_folder_its_rows_are_there_and_not_measured(tmp_path: Path) -> None:
    told = CliRunner().invoke(
        main, ["--instance", str(tmp_path / "laboratory"), "bench", "call_next_fqm", "ticket_fqm", "ticket_fqm_8"]
    )
    assert told.exit_code == 0
    assert told.output.count("non mesuré (donnez un dossier de FQM : --fqm DOSSIER)") == 3
