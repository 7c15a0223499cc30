"""The bench says what it measured, in the form that was agreed, and sees what is slow."""

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from kiosk.counter.turns import rank_and_call
from kiosk.line.estimate import Range
from kiosk.register import clock
from kiosk.register.database import Base
from kiosk.register.visits import Purpose, Stage
from kiosk.waiting import take_number
from printers.station.keys import make_station_key
from results.upkeep.bench import boards, codes, drawn, foretold, growth
from results.upkeep.bench.bare import FIRST, bare
from results.upkeep.bench.beside import against_fqm, last_board
from results.upkeep.bench.beside.against_fqm import AGAINST_FQM
from results.upkeep.bench.beside.last_board import LAST_BOARD
from results.upkeep.bench.boards import BOARDS_TOGETHER
from results.upkeep.bench.codes import CODES
from results.upkeep.bench.drawn import DRAWN
from results.upkeep.bench.foretold import FORETOLD
from results.upkeep.bench.growth import GROWTH
from results.upkeep.bench.line import LINE, _empty
from results.upkeep.bench.reception import Reception, both, rate, reception
from results.upkeep.bench.rounds import (
    LATER,
    Broken,
    Engine,
    Ground,
    Measure,
    Measured,
    Row,
    Sides,
    Unmeasured,
    bench,
    in_words,
    is_at_work,
    play,
    weigh,
)
from results.upkeep.bench.served import SERVED
from results.upkeep.bench.six_tubes import PRINT_S
from results.upkeep.founding import Answers, Printers, make_folders, make_site, open_instance, write_settings

Runs = Callable[..., tuple[int, list[dict[str, Any]]]]

ROW = Row(name="checkin", group="line", unit="tx/s", goal=">=0.40")


def fixed(ours: float, floor: float, row: Row = ROW) -> Measure:
    """A measure that always brings the same figures."""

    @contextmanager
    def opened(_: Ground) -> Iterator[Sides]:
        yield Sides(ours=lambda: ours, floor=lambda: floor)

    return Measure(rows=(row,), open=opened)


def failing(fault: Exception, row: Row = ROW) -> Measure:
    """A measure that does not come to its end."""

    @contextmanager
    def opened(ground: Ground) -> Iterator[Sides]:
        (ground.folder / "left").touch()

        def ours() -> float:
            raise fault

        yield Sides(ours=ours, floor=lambda: 1.0)

    return Measure(rows=(row,), open=opened)


def station(instance: Path) -> str:
    make_folders(instance)
    return str(make_station_key(instance / "station.key", clock.chance))


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    folder = tmp_path / "instance"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def runs(instance: Path, tmp_path: Path, at: datetime) -> Runs:
    """Runs the bench and gives its exit code and what it wrote for machines."""

    def run(*measures: Measure, **other: Any) -> tuple[int, list[dict[str, Any]]]:
        file = tmp_path / "told.json"
        asked: dict[str, Any] = {
            "only": (), "rounds": 1, "engine": "both", "json_file": file, "anyway": False, "make_station": station,
            "now": lambda: at, "chance": clock.chance, "say": print,
        }  # fmt: skip
        code = bench(measures, instance, **(asked | other))
        return code, json.loads(file.read_text()) if file.exists() else []

    return run


def test_the_rows_have_exactly_the_agreed_form(runs: Runs) -> None:
    code, rows = runs(fixed(1040.0, 2004.0), rounds=14)
    assert code == 0
    assert rows == [
        {
            "name": "checkin", "ours": 1040.0, "floor": 2004.0, "ratio": 0.519, "goal": ">=0.40", "ok": True,
            "unit": "tx/s", "rounds": 14, "iqr": [0.519, 0.519],
        }
    ]  # fmt: skip


def test_every_row_of_the_note_is_there() -> None:
    names = [
        row.name
        for measure in (
            *LINE,
            GROWTH,
            *SERVED,
            *CODES,
            *DRAWN,
            BOARDS_TOGETHER,
            LAST_BOARD,
            *FORETOLD,
            *AGAINST_FQM,
            *LATER,
        )
        for row in measure.rows
    ]
    assert len(names) == len(set(names))
    assert set(names) == {
        "checkin_sqlite", "checkin_http", "checkin_pg", "claim_sqlite", "claim_pg", "turn_tail", "turn_gain",
        "turn_cost", "counter_page", "board_200", "growth_board", "growth_checkin", "growth_claim", "growth_p95",
        "backup_checkin", "restore_1e6", "notify_pg", "call_next_fqm", "ticket_fqm", "ticket_fqm_8",
        "first_page", "startup", "memory",
        "label_bytes", "label_z64", "label_hex", "label_cpu", "tube_plan", "six_tubes", "code_check", "call_next_http",
        "foretell_60", "mornings_400", "foretold_error", "foretold_cover", "foretold_late", "erlang_c", "two_classes",
        "code_alone", "code_four", "refusal_cpu", "handle_cpu",
        "kiosk_drawn", "kiosk_moved", "board_drawn", "board_moved", "call_on_board", "boards_checkin", "boards_health",
    }  # fmt: skip


def test_floor_and_ours_take_turns_in_going_first() -> None:
    order: list[str] = []
    sides = Sides(ours=lambda: order.append("ours"), floor=lambda: order.append("floor"))
    assert len(list(play(sides, 4))) == 4
    assert order == ["floor", "ours", "ours", "floor"] * 2


def test_the_ratio_is_the_median_of_the_rounds_not_the_ratio_of_the_medians() -> None:
    told = weigh(ROW, [(1.0, 2.0), (30.0, 40.0), (8.0, 10.0)])
    assert (told.ratio, told.ours, told.floor, told.rounds) == (0.75, 8.0, 10.0, 3)
    assert told.iqr == (0.625, 0.775)


def test_a_planted_slowness_is_seen(tmp_path: Path) -> None:
    places = count()
    paths = (str(tmp_path / "register.sqlite"), str(tmp_path / "results.sqlite"))
    with reception(*paths, clock.chance) as there, bare(paths[0], there.site.id) as driver:
        arrive = partial(driver.arrive, places)

        def slow() -> None:
            arrive()
            time.sleep(0.05)

        floor = partial(rate, arrive, 0.1)
        same = weigh(ROW, list(play(Sides(ours=floor, floor=floor), 5)))
        slower = weigh(ROW, list(play(Sides(ours=partial(rate, slow, 0.1), floor=floor), 5)))
    assert same.ok is not False
    assert slower.ok is not True
    assert slower.ratio is not None
    assert slower.ratio < 0.40


@pytest.mark.parametrize(("goal", "ratio", "holds"), [
    (">=0.40", 0.40, True), (">=0.40", 0.399, False), ("<=1.3", 1.3, True), ("<=1.3", 1.301, False),
])  # fmt: skip
def test_a_goal_is_reached_at_its_very_limit(goal: str, ratio: float, holds: bool) -> None:
    assert Row(name="x", group="line", unit="s", goal=goal).holds(ratio) is holds


def test_a_wide_spread_is_measured_three_times_as_long_and_then_says_nothing(runs: Runs) -> None:
    drawn = random.Random(1)

    @contextmanager
    def opened(_: Ground) -> Iterator[Sides]:
        yield Sides(ours=lambda: drawn.choice((1.0, 9.0)), floor=lambda: 1.0)

    code, (row,) = runs(Measure(rows=(ROW,), open=opened), rounds=10)
    assert (code, row["ok"], row["rounds"]) == (0, None, 30)


def test_a_missed_goal_ends_with_one(runs: Runs) -> None:
    code, (row,) = runs(fixed(39.0, 100.0))
    assert (code, row["ok"]) == (1, False)


def test_what_cannot_be_measured_is_told_and_misses_no_goal(runs: Runs) -> None:
    code, (row,) = runs(failing(Unmeasured("pas de PostgreSQL")))
    assert (code, row["ok"], row["ratio"], row["goal"]) == (0, None, None, ">=0.40")


def test_what_does_not_do_its_work_misses_its_goal_whatever_its_speed(runs: Runs) -> None:
    code, (row,) = runs(failing(Broken("une personne appelée deux fois")))
    assert (code, row["ok"], row["ours"]) == (1, False, None)


@pytest.mark.parametrize("fault", [OSError("disque plein"), ZeroDivisionError()])
def test_what_cannot_run_ends_with_two_and_leaves_nothing(runs: Runs, instance: Path, fault: Exception) -> None:
    assert runs(failing(fault))[0] == 2
    assert list(instance.iterdir()) == []


def test_a_person_reads_why_a_row_has_no_figure(runs: Runs) -> None:
    said: list[str] = []
    runs(failing(Unmeasured("PostgreSQL absent")), say=said.append)
    assert "non mesuré (PostgreSQL absent)" in said[-1]
    told = Measured(
        name="memory",
        ours=178.6,
        floor=250.0,
        ratio=0.714,
        goal="<=1.0",
        ok=True,
        unit="MB",
        rounds=3,
        iqr=(0.71, 0.72),
    )
    assert " ".join(in_words(told).split()) == "memory 179 250 MB 0,71 0,71 à 0,72 ≤ 1,0 tenu"


def test_names_and_groups_choose_rows(runs: Runs) -> None:
    label = fixed(1.0, 2.0, Row(name="label_cpu", group="paper", unit="ms", goal="<=1.0"))
    claim = fixed(1.0, 2.0, Row(name="claim", group="line", unit="tx/s", goal=">=0.40"))
    assert [row["name"] for row in runs(fixed(1.0, 2.0), claim, label, only=("line",))[1]] == ["checkin", "claim"]
    assert [row["name"] for row in runs(fixed(1.0, 2.0), claim, label, only=("claim", "paper"))[1]] == [
        "claim", "label_cpu",
    ]  # fmt: skip


def test_an_unknown_name_is_said_with_the_known_ones(runs: Runs) -> None:
    said: list[str] = []
    assert runs(fixed(1.0, 2.0), only=("chekin",), say=said.append)[0] == 2
    assert "chekin" in said[0]
    assert "checkin" in said[0]


def test_rows_of_the_other_engine_are_named_and_not_measured(runs: Runs) -> None:
    row = Row(name="checkin_pg", group="line", unit="tx/s", goal=">=0.50", engine="postgresql")
    code, rows = runs(fixed(0.1, 1.0, row), fixed(1.0, 1.0), engine="sqlite")
    assert code == 0
    assert [(one["name"], one["ok"]) for one in rows] == [("checkin_pg", None), ("checkin", True)]


def test_what_is_shared_is_opened_once_and_closed_after_the_last(runs: Runs) -> None:
    seen: list[str] = []

    @contextmanager
    def server(_: Ground) -> Iterator[int]:
        seen.append("opened")
        yield 7
        seen.append("closed")

    @contextmanager
    def opened(ground: Ground) -> Iterator[Sides]:
        assert ground.shared(server) == 7
        seen.append("measured")
        yield Sides(ours=lambda: 1.0, floor=lambda: 1.0)

    runs(Measure(rows=(ROW,), open=opened), Measure(rows=(ROW,), open=opened))
    assert seen == ["opened", "measured", "measured", "closed"]


def test_it_runs_on_the_laboratory_s_disk_and_takes_everything_away(runs: Runs, instance: Path) -> None:
    places: list[Path] = []

    @contextmanager
    def opened(ground: Ground) -> Iterator[Sides]:
        places.append(ground.folder)
        (ground.folder / "left").touch()
        yield Sides(ours=lambda: 1.0, floor=lambda: 1.0)

    runs(Measure(rows=(ROW,), open=opened))
    assert places[0].parent == instance
    assert list(instance.iterdir()) == []


def test_a_laboratory_at_work_is_not_disturbed(runs: Runs, instance: Path, at: datetime) -> None:
    instance.rmdir()
    keys = station(instance)
    nowhere = Printers(labels="tcp://127.0.0.1:9", tickets="tcp://127.0.0.1:9", slips="tcp://127.0.0.1:9")
    start = datetime.min.time()
    answers = Answers(name="Essai", number=1, timezone="Europe/Paris", opens=start, closes=start, printers=nowhere)
    write_settings(instance, answers, station=keys, fingerprint="0" * 64, chance=clock.chance)
    site = make_site(instance, answers, at=at, chance=clock.chance)
    assert not is_at_work(instance, at=at)
    database = open_instance(instance)
    with database.transaction() as db:
        take_number(
            db, site, wait=Range(low=0, high=5), purpose=Purpose.WALK_IN, said=None, by="Borne 1",
            at=at - timedelta(minutes=59), chance=clock.chance, key="0" * 32,
        )  # fmt: skip
    database.close()
    assert runs(fixed(1.0, 1.0)) == (2, [])
    assert runs(fixed(1.0, 1.0), now=lambda: at + timedelta(minutes=2))[0] == 0
    assert runs(fixed(1.0, 1.0), anyway=True)[0] == 0


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_the_floor_writes_every_row_that_we_write(engine: Engine, tmp_path: Path) -> None:
    def rows(there: Reception) -> dict[str, int]:
        with there.database.reading() as db:
            tables = [one for one in Base.metadata.sorted_tables if one.schema is None]
            return {one.name: db.scalar(select(func.count()).select_from(one)) or 0 for one in tables}

    with ExitStack() as closing:
        ground = Ground(folder=tmp_path, now=clock.now, chance=clock.chance, make_station=station, closing=closing)
        ours, beside, connect = closing.enter_context(both(ground, engine))
        driver, places = connect(), count()
        for _ in range(2):
            ours.arrive()
            driver.arrive(places)
        rank_and_call(
            ours.database, ours.site, Stage.COUNTER, desk="Guichet 1", by="Banc", at=FIRST, chance=clock.chance,
            key="c" * 32,
        )  # fmt: skip
        assert driver.call(FIRST, next(places)) is not None
        assert rows(beside) == rows(ours)
        assert rows(ours)["journal_text"] == 3


def test_two_claimers_who_call_the_same_person_are_seen() -> None:
    with pytest.raises(Broken, match="deux fois"):
        _empty(lambda _worker, day: iter([f"personne de {day}", None]).__next__, ["lundi"])


def test_claimers_who_call_everyone_once_are_believed() -> None:
    people = iter(range(1000))
    assert _empty(lambda _worker, _day: lambda: str(found) if (found := next(people, None)) is not None else None, [1])


def test_the_line_is_measured_for_real(runs: Runs) -> None:
    code, rows = runs(*LINE, engine="sqlite", rounds=1)
    told = {row["name"]: row for row in rows}
    assert code in {0, 1}
    for name in ("checkin_sqlite", "claim_sqlite", "turn_tail", "turn_gain", "turn_cost"):
        assert told[name]["ratio"] > 0
        assert told[name]["ok"] in {True, False}
    assert told["checkin_pg"]["ok"] is None


def test_a_number_on_postgresql_is_measured_for_real(
    runs: Runs, postgresql_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_DATABASE_URL", postgresql_address)
    _, rows = runs(*LINE, only=("checkin_pg", "claim_pg"), rounds=1)
    assert [row["name"] for row in rows] == ["checkin_pg", "claim_pg"]
    assert all(row["ratio"] > 0 for row in rows)


def test_growth_is_measured_for_real(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "YOUNG", 200)
    monkeypatch.setattr(growth, "OLD", 2000)
    _, rows = runs(GROWTH, engine="sqlite", rounds=1)
    assert [row["name"] for row in rows] == ["growth_board", "growth_checkin", "growth_claim", "growth_p95"]
    assert all(row["ratio"] > 0 for row in rows)


def test_the_estimate_and_the_simulation_are_measured_for_real(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foretold, "CUSTOMERS", 3000)
    monkeypatch.setattr(foretold, "LEARNT", 1)
    monkeypatch.setattr(foretold, "TRIED", 1)
    _, rows = runs(*FORETOLD[1:], rounds=1)
    told = {row["name"]: row for row in rows}
    assert told["foretell_60"]["ours"] > 0
    assert told["mornings_400"]["ours"] > 0
    assert 0 < told["foretold_error"]["ours"] < 15
    assert all(row["ratio"] is not None for row in rows)


def test_paper_is_measured_for_real(runs: Runs) -> None:
    _, rows = runs(*SERVED, only=("paper",), rounds=1, now=clock.now)
    told = {row["name"]: row for row in rows}
    assert list(told) == ["label_bytes", "label_z64", "label_hex", "label_cpu", "tube_plan", "six_tubes"]
    assert told["label_bytes"]["ours"] == 10_028
    assert told["label_cpu"]["ours"] > 0
    assert told["label_z64"]["ours"] < told["label_hex"]["ours"] == 20_063
    # Five labels must be out before the sixth is handed over.
    assert told["six_tubes"]["ours"] > 5 * PRINT_S


def test_served_pages_are_measured_for_real(runs: Runs, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for there in (foretold, against_fqm):
        monkeypatch.setattr(there, "LONG_LINE", 4)
        monkeypatch.setattr(there, "CALLS", 3)
    pages, beside = (
        ("code_check", "first_page", "memory", "counter_page", "checkin_http"),
        ("call_next_fqm", "ticket_fqm"),
    )
    _, rows = runs(*SERVED, *AGAINST_FQM, only=(*pages, *beside), rounds=1, now=clock.now, fqm=checkout)
    told = {row["name"]: row for row in rows}
    assert set(told) == {*pages, *beside}
    assert all(row["ratio"] is not None for row in rows)
    assert told["first_page"]["ours"] > 10


def test_codes_are_measured_for_real(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "TIMES", 1)
    _, rows = runs(*CODES, only=("code_alone", "refusal_cpu", "handle_cpu"), rounds=1, now=clock.now)
    told = {row["name"]: row for row in rows}
    assert list(told) == ["code_alone", "refusal_cpu", "handle_cpu"]
    # Answers leave at whole seconds.
    assert told["code_alone"]["ours"] >= codes.PACE
    assert told["refusal_cpu"]["ours"] >= told["refusal_cpu"]["floor"] > 10
    assert told["handle_cpu"]["ours"] >= told["handle_cpu"]["floor"] > 0


def test_screens_are_measured_for_real(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boards, "BOARDS", 60)  # some listen, the others are refused and ask
    monkeypatch.setattr(boards, "ACTS", 3)
    monkeypatch.setattr(boards, "PACE", 0.1)
    monkeypatch.setattr(drawn, "CALLS", 3)
    for name, small in (("BOARDS", 60), ("ACTS", 2), ("PACE", 0.1)):  # here all listen: threads follow the screens
        monkeypatch.setattr(last_board, name, small)
    _, rows = runs(*DRAWN, BOARDS_TOGETHER, LAST_BOARD, rounds=1, now=clock.now)
    told = {row["name"]: row for row in rows}
    assert len(told) == 8
    assert told["board_200"]["ours"] > 0
    assert all(row["ratio"] is not None for row in rows)
    assert told["kiosk_drawn"]["ours"] > 0
    assert told["board_moved"]["ours"] <= drawn.MOVED
    assert told["call_on_board"]["ours"] > 0


@pytest.mark.parametrize(("called", "blind"), [([1, 2, 3], 1), ([], 2)])
def test_a_board_that_missed_a_call_misses_the_goal(called: list[int], blind: int) -> None:
    boards.must_have_shown([1, 2], [[1, 2, 3], [2, 1]])
    with pytest.raises(Broken, match=f"{blind} écrans sur 2"):
        boards.must_have_shown(called, [[1, 2, 3], [1, 2]])


def test_without_a_browser_a_row_says_so(runs: Runs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(drawn, "CHROMIUM", tmp_path / "absent")
    said: list[str] = []
    ground_less = Measure(rows=DRAWN[0].rows, open=drawn.chromium)  # type: ignore[arg-type]
    code, rows = runs(ground_less, rounds=1, say=said.append)
    assert (code, [row["ok"] for row in rows]) == (0, [None, None])
    assert "Chromium absent" in said[-1]
