import hashlib
import random
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.public import PrivateKey, SealedBox
from nacl.signing import SigningKey

from printers.errors import ImpossibleMove, NoStation, NotOurs, PrinterError, SpoolAway, Unprintable
from printers.moves import ERASED, FINAL, MOVES, PERSON_ONLY, STATION, STATION_ONLY, State, Verb
from printers.paper import Paper
from printers.rows import SCHEMA, process_id
from printers.sealing import PAPER_MARK, StationId, seal, start_text
from printers.station.keys import StartKey, StationKey
from printers.station.spool import StationSpool

Chance = Callable[[int], bytes]
MakeLabel = Callable[..., Paper]


def started(spool: StationSpool, key: StationKey, at: datetime, chance: Chance) -> StartKey:
    start = StartKey.make(last=spool.last_number(), at=at, chance=chance)
    spool.publish(number=start.number, key=start.public, signature=start.signed_by(key), at=at)
    return start


# Known answers: none of these may ever change, spools on disk hold them.


def test_the_sealing_of_a_paper_stays_as_it_is() -> None:
    opening = PrivateKey(bytes(range(32)))
    sealed = seal(b"paper", bytes(opening.public_key), lambda count: bytes(range(1, count + 1)))
    assert sealed[:33].hex() == "0107a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c"
    assert len(sealed) == 1 + 48 + 4096
    assert hashlib.sha256(sealed).hexdigest() == SEALED
    plain = SealedBox(opening).decrypt(sealed[1:])
    assert plain == (PAPER_MARK + b"\x00\x00\x00\x05paper").ljust(4096, b"\x00")


SEALED = "bdc052a65e427ae217958467f1708009da1982195e525d841ea1e3317603fbcf"


@pytest.mark.parametrize(
    ("length", "size"), [(4096 - 22, 4096), (4096 - 21, 65536), (65536, 262144), (262144, 1 << 20)]
)
def test_the_length_of_a_sealed_paper_says_little(length: int, size: int, chance: Chance) -> None:
    assert len(seal(bytes(length), bytes(PrivateKey(bytes(32)).public_key), chance)) == 1 + 48 + size


def test_a_paper_beyond_the_largest_size_is_refused(chance: Chance) -> None:
    with pytest.raises(Unprintable):
        seal(bytes(32 << 20), bytes(32), chance)


def test_the_text_that_a_station_signs_stays_as_it_is() -> None:
    text = start_text(258, bytes(range(32)))
    assert text.hex() == "6574697175657474652f73746174696f6e2f31000000000000000102" + bytes(range(32)).hex()
    assert SigningKey(bytes(32)).sign(text).signature.hex() == SIGNATURE


SIGNATURE = (
    "f4ab061dda80687d43695777cb7d4b6c524f6b5c98dd4384e0ba25ab8b12a7a0"
    "c5a285731641105a09c828b0a1a2e4dc817c63ba23d8d74cf6b50ed67a84a20e"
)


def test_process_ids_count_in_base_36_and_wrap() -> None:
    assert [process_id(number) for number in (1, 35, 36, 36**4 - 1, 36**4)] == [
        b"0001",
        b"000Z",
        b"0010",
        b"ZZZZ",
        b"0000",
    ]


def test_a_station_is_written_with_128_digits() -> None:
    text = bytes(range(64)).hex()
    assert str(StationId.parse(text.upper())) == text
    for wrong in ("", text[:-2], text + "00", "g" * 128, text + "\n"):
        with pytest.raises(NotOurs):
            StationId.parse(wrong)


COLUMNS = {
    "jobs": "id INTEGER, key TEXT!, kind TEXT!, state TEXT!, cause TEXT!, printer TEXT!, priority INTEGER!, "
    "batch TEXT, position INTEGER!, secret INTEGER!, sealed_to INTEGER!, payload BLOB, created INTEGER!, "
    "queued INTEGER!, expires INTEGER, on_expiry TEXT!, lease_by TEXT, lease_until INTEGER",
    "attempts": "id INTEGER, job INTEGER!, printer TEXT!, pid TEXT!, started INTEGER!, ended INTEGER, outcome TEXT, "
    "sha256 TEXT, dots TEXT!, picture BLOB, witness_before TEXT, witness_after TEXT",
    "moves": "id INTEGER, job INTEGER!, verb TEXT!, old TEXT, new TEXT!, printer TEXT!, by TEXT!, reason TEXT!, "
    "at INTEGER!",
    "printers": "name TEXT!, state TEXT!, cause TEXT!, seen INTEGER!, model TEXT, firmware TEXT, process_id INTEGER, "
    "proved TEXT, proved_at INTEGER, proved_by TEXT, desk TEXT!, media TEXT, served INTEGER!, "
    "paused_at INTEGER, paused_by TEXT",
    "stations": "number INTEGER, key BLOB!, signature BLOB!, started INTEGER!, seen INTEGER!, ended INTEGER",
}


def test_the_rows_on_disk_stay_as_they_are(spool: StationSpool) -> None:
    found = {}
    for table in COLUMNS:
        rows = spool._rows(f"PRAGMA table_info({table})")
        found[table] = ", ".join(f"{row['name']} {row['type']}{'!' * row['notnull']}" for row in rows)
    assert found == COLUMNS
    assert spool._rows("PRAGMA user_version")[0][0] == SCHEMA
    pragmas = [spool._rows(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous", "secure_delete")]
    assert pragmas == ["wal", 2, 1]


def test_the_table_of_moves_stays_as_it_is() -> None:
    told = sorted(f"{state} + {verb} -> {new}" for (state, verb), new in MOVES.items())
    assert told == [
        "held + drop -> void",
        "held + give -> held",
        "held + resume -> queued",
        "not_sent + drop -> void",
        "not_sent + give -> not_sent",
        "not_sent + retry -> queued",
        "queued + drop -> void",
        "queued + give -> queued",
        "queued + hold -> held",
        "queued + send -> sending",
        "sending + doubt -> unsure",
        "sending + fail -> not_sent",
        "sending + hand over -> sent",
        "sent + confirm -> confirmed",
        "sent + disown -> void",
        "sent + doubt -> unsure",
        "unsure + confirm -> confirmed",
        "unsure + disown -> void",
    ]


def test_from_unsure_no_way_leads_back_to_a_printer() -> None:
    reached, todo = set(), [State.UNSURE]
    while todo:
        here = todo.pop()
        reached.add(here)
        todo += [new for (old, _), new in MOVES.items() if old is here and new not in reached]
    assert reached == {State.UNSURE, State.CONFIRMED, State.VOID}


# Putting.


def test_one_key_is_one_job(spool: StationSpool, label: MakeLabel, at: datetime, chance: Chance) -> None:
    first = spool.put(label(), printer="labels", at=at, chance=chance)
    again = spool.put(label(name="OTHER"), printer="slips", at=at + timedelta(hours=1), chance=chance)
    assert again == first
    assert len(spool.jobs()) == 1
    assert [move.new for move in spool.moves(first.key)] == [State.QUEUED]


def test_two_processes_that_put_at_once_make_one_job(
    tmp_path: Path, station_key: StationKey, label: MakeLabel, at: datetime
) -> None:
    spools = [StationSpool(tmp_path / "spool.sqlite", station_key.id) for _ in range(8)]
    gate = threading.Barrier(len(spools))

    def put(spool: StationSpool) -> None:
        gate.wait()
        spool.put(label(), printer="labels", at=at, chance=random.Random(1).randbytes)

    threads = [threading.Thread(target=put, args=(spool,)) for spool in spools]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(spools[0].jobs()) == 1
    assert len(spools[0].moves(label().key)) == 1
    for spool in spools:
        spool.close()


def test_without_a_pinned_station_nothing_is_sealed(
    tmp_path: Path, label: MakeLabel, at: datetime, chance: Chance
) -> None:
    with StationSpool(tmp_path / "spool.sqlite") as spool, pytest.raises(NoStation):
        spool.put(label(), printer="labels", at=at, chance=chance)


def test_a_naive_time_is_refused(spool: StationSpool, label: MakeLabel, at: datetime, chance: Chance) -> None:
    with pytest.raises(ValueError, match="UTC"):
        spool.put(
            label(), printer="labels", at=at.replace(tzinfo=UTC).astimezone(None).replace(tzinfo=None), chance=chance
        )


def test_a_label_cannot_be_read_in_the_spool_file(
    spool: StationSpool, tmp_path: Path, label: MakeLabel, at: datetime, chance: Chance
) -> None:
    spool.put(label(name="DIALLO"), printer="labels", at=at, chance=chance)
    assert all(b"DIALLO" not in file.read_bytes() for file in tmp_path.iterdir() if file.is_file())


# Order.


def test_urgent_goes_first_and_a_batch_is_never_split(
    spool: StationSpool, label: MakeLabel, at: datetime, chance: Chance
) -> None:
    def put(number: int, **more: int | str) -> None:
        spool.put(label(f"{number:012d}"), printer="labels", at=at, chance=chance, **more)  # type: ignore[arg-type]

    put(1, batch="a", position=2)
    put(2, batch="b", position=1)
    put(3, batch="a", position=1)
    order = []
    for step in range(6):
        job = spool.next_job("labels")
        assert job is not None
        order.append(int(job.key.split("/")[1]))
        spool.begin(job.key, at=at)
        spool.move(job.key, Verb.DOUBT, by=STATION, at=at)
        if step == 0:
            put(4, batch="c", position=1, priority=9)
            put(5, priority=5)
            put(6, batch="c", position=2, priority=9)
    assert order == [3, 1, 4, 6, 5, 2]


# Moving.


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(Verb)), st.sampled_from([STATION, "sophie"]), st.sampled_from(["", "age", "offline"])
        ),
        max_size=40,
    )
)
def test_no_walk_leaves_the_table(
    tmp_path: Path, station_key: StationKey, label: MakeLabel, steps: list[tuple[Verb, str, str]]
) -> None:
    at, chance = datetime(2026, 11, 21, 7, tzinfo=UTC), random.Random(2).randbytes
    with StationSpool(tmp_path / "walk.sqlite", station_key.id) as spool:
        key = f"label/walk/{len(spool.jobs())}"
        job = spool.put(replace(label(), key=key), printer="labels", at=at, chance=chance)
        was_unsure = False
        for verb, by, reason in steps:
            to = "slips" if verb is Verb.GIVE else None
            allowed = (job.state, verb) in MOVES and not (
                (verb in STATION_ONLY and by != STATION)
                or (verb in PERSON_ONLY and by == STATION)
                or (verb is Verb.RESUME and by == STATION and job.cause == "age")
            )
            if allowed:
                moved = spool.move(key, verb, by=by, at=at, reason=reason, printer=to)
                assert moved.state is MOVES[job.state, verb]
                was_unsure = was_unsure or moved.state is State.UNSURE
                assert not (was_unsure and moved.state in {State.QUEUED, State.SENDING})
                job = moved
            else:
                with pytest.raises(ImpossibleMove):
                    spool.move(key, verb, by=by, at=at, reason=reason, printer=to)
                assert spool.job(key) == job
        history = spool.moves(key)
        assert [move.old for move in history[1:]] == [move.new for move in history[:-1]]
        assert history[-1].new is job.state


def test_the_history_is_only_added_to(spool: StationSpool, label: MakeLabel, at: datetime, chance: Chance) -> None:
    spool.put(label(), printer="labels", at=at, chance=chance)
    for change in ("UPDATE moves SET by = 'x'", "DELETE FROM moves"):
        with pytest.raises(SpoolAway) as fault, spool._writing() as db:
            db.execute(change)
        assert "only added" in str(fault.value.__cause__)


def test_a_persons_word_lets_an_old_job_go_on_and_its_age_starts_again(
    spool: StationSpool, label: MakeLabel, at: datetime, chance: Chance
) -> None:
    paper = replace(label(), expires_s=60, on_expiry="ask")
    spool.put(paper, printer="labels", at=at, chance=chance)
    spool.move(paper.key, Verb.HOLD, by=STATION, at=at, reason="age")
    later = at + timedelta(hours=9)
    job = spool.move(paper.key, Verb.RESUME, by="sophie", at=later)
    assert (job.queued, job.expires, job.cause) == (later, None, "")


def test_a_late_proof_confirms_exactly_its_own_paper(
    spool: StationSpool, label: MakeLabel, at: datetime, chance: Chance
) -> None:
    jobs = [spool.put(label(f"{n:012d}"), printer="labels", at=at, chance=chance) for n in (1, 2)]
    attempts = [spool.begin(job.key, at=at) for job in jobs]
    spool.hand_over(jobs[0].key, attempts[0], sha256="00", at=at)
    spool.move(jobs[0].key, Verb.DOUBT, by=STATION, at=at)
    assert spool.prove("labels", b"~~~~", at=at) is None
    assert spool.prove("slips", attempts[0].pid, at=at) is None
    assert spool.prove("labels", attempts[1].pid, at=at) is None  # still being sent
    proved = spool.prove("labels", attempts[0].pid, at=at)
    assert proved is not None
    assert (proved.key, proved.state) == (jobs[0].key, State.CONFIRMED)


# Secrets.


def test_a_secret_needs_a_running_station_of_ours(
    spool: StationSpool, slip: Paper, station_key: StationKey, at: datetime, chance: Chance
) -> None:
    with pytest.raises(NoStation):
        spool.put(slip, printer="slips", at=at, chance=chance)
    start = started(spool, station_key, at, chance)
    with pytest.raises(NoStation):
        spool.put(slip, printer="slips", at=at + timedelta(seconds=21), chance=chance)
    spool.beat(start.number, at=at + timedelta(seconds=20))
    job = spool.put(slip, printer="slips", at=at + timedelta(seconds=21), chance=chance)
    assert job.sealed_to == start.number
    assert job.expires == at + timedelta(seconds=21 + 120)
    assert job.on_expiry == "void"


def test_every_secret_of_a_roll_is_sealed_to_one_length(
    spool: StationSpool, slip: Paper, station_key: StationKey, at: datetime, chance: Chance
) -> None:
    started(spool, station_key, at, chance)
    lengths = set()
    for many in (1, 40, 400):
        paper = replace(slip, key=f"report/{many}/1", items=slip.items[:1] * many)
        spool.put(paper, printer="slips", at=at, chance=chance)
        lengths.add(len(spool.payload(paper.key) or b""))
    assert len(lengths) == 1


def test_a_station_that_left_gets_no_secret(
    spool: StationSpool, slip: Paper, station_key: StationKey, at: datetime, chance: Chance
) -> None:
    spool.leave(started(spool, station_key, at, chance).number, at=at)
    with pytest.raises(NoStation):
        spool.put(slip, printer="slips", at=at, chance=chance)


def test_a_strangers_key_gets_no_secret(
    spool: StationSpool, slip: Paper, station_key: StationKey, at: datetime, chance: Chance
) -> None:
    stranger = StationKey(signing=SigningKey(chance(32)), opening=PrivateKey(chance(32)))
    started(spool, stranger, at, chance)
    with pytest.raises(NoStation):
        spool.put(slip, printer="slips", at=at, chance=chance)
    start = StartKey.make(last=spool.last_number(), at=at, chance=chance)
    for signature in (b"", bytes(64), start.signed_by(station_key)[:-1] + b"\x00"):
        spool.publish(number=spool.last_number() + 1, key=start.public, signature=signature, at=at)
        with pytest.raises(NoStation):
            spool.put(slip, printer="slips", at=at, chance=chance)


def test_a_key_of_the_past_gets_no_secret(
    spool: StationSpool, slip: Paper, station_key: StationKey, at: datetime, chance: Chance
) -> None:
    old = started(spool, station_key, at, chance)
    new = started(spool, station_key, at + timedelta(seconds=1), chance)
    spool.start_key(at + timedelta(seconds=1))
    with spool._writing() as db:
        db.execute("DELETE FROM stations WHERE number = ?", (new.number,))
        db.execute("UPDATE stations SET ended = NULL WHERE number = ?", (old.number,))
    with pytest.raises(NoStation):
        spool.put(slip, printer="slips", at=at + timedelta(seconds=2), chance=chance)


def test_start_numbers_rise_even_when_the_clock_or_the_spool_goes_back(
    spool: StationSpool, station_key: StationKey, at: datetime, chance: Chance
) -> None:
    first = started(spool, station_key, at, chance)
    second = started(spool, station_key, at - timedelta(days=1), chance)
    fresh = StartKey.make(last=0, at=at + timedelta(seconds=1), chance=chance)
    assert first.number < second.number < fresh.number


def test_a_slip_leaves_no_trace_once_it_is_out(
    spool: StationSpool, tmp_path: Path, slip: Paper, station_key: StationKey, at: datetime, chance: Chance
) -> None:
    started(spool, station_key, at, chance)
    ends: dict[str, Callable[[str], object]] = {
        "sent": lambda key: spool.hand_over(key, spool.begin(key, at=at), sha256="00", at=at),
        "unsure": lambda key: (spool.begin(key, at=at), spool.move(key, Verb.DOUBT, by=STATION, at=at)),
        "void": lambda key: spool.move(key, Verb.DROP, by="sophie", at=at),
    }
    for name, end in ends.items():
        paper = replace(slip, key=f"slip/{name}/1")
        spool.put(paper, printer="slips", at=at, chance=chance)
        payload = spool.payload(paper.key)
        assert payload is not None
        canaries = [payload[place : place + 24] for place in range(0, len(payload) - 24, 1000)]
        assert any(canaries[0] in file.read_bytes() for file in tmp_path.iterdir())
        end(paper.key)
        assert spool.payload(paper.key) is None
        assert not any(canary in file.read_bytes() for file in tmp_path.iterdir() for canary in canaries), name
        assert (tmp_path / "spool.sqlite-wal").stat().st_size == 0


def test_a_reader_delays_the_erasing_but_does_not_prevent_it(
    spool: StationSpool, tmp_path: Path, slip: Paper, station_key: StationKey, at: datetime, chance: Chance
) -> None:
    start = started(spool, station_key, at, chance)
    spool.put(slip, printer="slips", at=at, chance=chance)
    payload = spool.payload(slip.key)
    assert payload is not None
    spool._open().execute("PRAGMA busy_timeout = 50")
    reader = sqlite3.connect(tmp_path / "spool.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM jobs").fetchone()
    spool.move(slip.key, Verb.DROP, by="sophie", at=at)
    reader.execute("COMMIT")
    reader.close()
    spool.beat(start.number, at=at)
    assert not any(payload[100:140] in file.read_bytes() for file in tmp_path.iterdir())


def test_a_secret_that_did_not_leave_keeps_its_bytes_until_it_expires(
    spool: StationSpool, slip: Paper, station_key: StationKey, at: datetime, chance: Chance
) -> None:
    started(spool, station_key, at, chance)
    spool.put(slip, printer="slips", at=at, chance=chance)
    spool.begin(slip.key, at=at)
    spool.move(slip.key, Verb.FAIL, by=STATION, at=at)
    assert spool.payload(slip.key) is not None
    with pytest.raises(ImpossibleMove):
        spool.move(slip.key, Verb.GIVE, by="sophie", at=at, printer="labels")
    assert FINAL <= ERASED


def test_a_spool_that_is_away_is_told_and_works_again_when_it_is_back(
    tmp_path: Path, station_key: StationKey, label: MakeLabel, at: datetime, chance: Chance
) -> None:
    path = tmp_path / "away" / "spool.sqlite"
    with StationSpool(path, station_key.id) as spool:
        with pytest.raises(SpoolAway):
            spool.put(label(), printer="labels", at=at, chance=chance)
        path.parent.mkdir()
        path.write_bytes(b"this is no database, but it is long enough to look like one" * 50)
        with pytest.raises(SpoolAway):
            spool.jobs()
        path.unlink()
        assert spool.put(label(), printer="labels", at=at, chance=chance).state is State.QUEUED


def test_a_spool_of_another_version_is_not_touched(spool: StationSpool) -> None:
    with spool._writing() as db:
        db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    spool.close()
    with pytest.raises(PrinterError, match=f"version {SCHEMA + 1}"):
        spool.jobs()
