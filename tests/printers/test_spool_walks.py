"""Walks through the spool by everybody who may touch it, beside a small model that knows only the table."""

import random
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from printers.errors import ImpossibleMove
from printers.moves import FINAL, MOVES, NEVER_SENT, PERSON_CAUSES, PERSON_ONLY, STATION, STATION_ONLY, State, Verb
from printers.paper import LABEL_50X25, At, Paper, Text
from printers.rows import Attempt
from printers.station.keys import load_station_key, make_station_key
from printers.station.spool import StationSpool
from tests.thorough import far

AT = datetime(2026, 11, 21, 7, tzinfo=UTC)
PRINTERS = ("labels", "second")
WORDS = (At(x=8, y=8, w=300, h=40, item=Text(s="ESSAI", size_max=30, size_min=20)),)


class Walks(RuleBasedStateMachine):
    """Apps put, persons and the station move, the station sends and recovers; the model says what must be."""

    keys: Bundle[str] = Bundle("keys")
    attempts: Bundle[tuple[str, Attempt]] = Bundle("attempts")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="walks-"))
        self.states: dict[str, State] = {}
        self.causes: dict[str, str] = {}
        self.where: dict[str, str] = {}
        self.newest: dict[str, Attempt] = {}
        self.doubted: set[str] = set()

    @initialize()
    def opened(self) -> None:
        self.chance: Callable[[int], bytes] = random.Random(2).randbytes
        make_station_key(self.folder / "key", self.chance)
        self.spool = StationSpool(self.folder / "spool.sqlite", load_station_key(self.folder / "key").id)

    def follow(self, key: str, verb: Verb, cause: str = "") -> None:
        self.states[key] = MOVES[self.states[key], verb]
        if verb is not Verb.GIVE:
            self.causes[key] = cause
        if self.states[key] is State.UNSURE:
            self.doubted.add(key)

    def allows(self, key: str, verb: Verb, by: str) -> bool:
        waits = verb is Verb.RESUME and by == STATION and self.causes[key] in PERSON_CAUSES
        wrong = (verb in STATION_ONLY and by != STATION) or (verb in PERSON_ONLY and by == STATION)
        return (self.states[key], verb) in MOVES and not waits and not wrong

    @rule(target=keys, number=st.integers(0, 5), printer=st.sampled_from(PRINTERS))
    def put(self, number: int, printer: str) -> str:
        key = f"label/{number}/1"
        paper = Paper(kind="label", form=LABEL_50X25, items=WORDS, key=key)
        job = self.spool.put(paper, printer=printer, at=AT, chance=self.chance, batch="b", position=number)
        if key not in self.states:
            self.states[key], self.causes[key], self.where[key] = State.QUEUED, "", printer
        assert job.state is self.states[key]
        return key

    # Nobody pauses a printer in these walks: a job held for a pause goes on wherever none stands still.
    @rule(key=keys, verb=st.sampled_from(list(Verb)), by=st.sampled_from([STATION, "sophie"]),
          cause=st.sampled_from(["", "age", "offline"]), to=st.sampled_from(PRINTERS))  # fmt: skip
    def move(self, key: str, verb: Verb, by: str, cause: str, to: str) -> None:
        printer = to if verb is Verb.GIVE else None
        if not self.allows(key, verb, by):
            with pytest.raises(ImpossibleMove):
                self.spool.move(key, verb, by=by, at=AT, reason=cause, printer=printer)
            return
        self.spool.move(key, verb, by=by, at=AT, reason=cause, printer=printer)
        self.follow(key, verb, cause)
        self.where[key] = printer or self.where[key]

    @rule(target=attempts, key=keys, printer=st.sampled_from(PRINTERS), asks=st.booleans())
    def begin(self, key: str, printer: str, asks: bool) -> tuple[str, Attempt] | MultipleResults[tuple[str, Attempt]]:
        if self.states[key] is not State.QUEUED or self.where[key] != printer:
            with pytest.raises(ImpossibleMove):
                self.spool.begin(key, at=AT, printer=printer, asks_id=asks)
            return multiple()
        assert key not in self.doubted  # nothing that may be on paper is ever sent again
        self.newest[key] = self.spool.begin(key, at=AT, printer=printer, asks_id=asks)
        self.follow(key, Verb.SEND)
        return key, self.newest[key]

    @rule(told=consumes(attempts))
    def hand_over(self, told: tuple[str, Attempt]) -> None:
        key, attempt = told
        if self.states[key] is not State.SENDING:
            with pytest.raises(ImpossibleMove):
                self.spool.hand_over(key, attempt, sha256="00", at=AT)
            return
        self.spool.hand_over(key, attempt, sha256="00", at=AT)
        self.follow(key, Verb.HAND_OVER)

    @rule(told=attempts, printer=st.sampled_from(PRINTERS))
    def prove(self, told: tuple[str, Attempt], printer: str) -> None:
        key, attempt = told
        waits = self.states[key] in {State.SENT, State.UNSURE} and attempt == self.newest[key]
        if attempt.pid and waits and printer == self.where[key]:
            proved = self.spool.prove(printer, attempt.pid, at=AT)
            assert proved is not None
            assert proved.key == key
            self.follow(key, Verb.CONFIRM, "proof")
        elif attempt.pid:
            assert self.spool.prove(printer, attempt.pid, at=AT) is None

    @rule(printer=st.sampled_from(PRINTERS))
    def station_starts_again(self, printer: str) -> None:
        self.spool.recover(printer, at=AT)
        for key, state in self.states.items():
            asked = key in self.newest and self.newest[key].pid != b""
            if self.where[key] == printer and (state is State.SENDING or (state is State.SENT and asked)):
                self.follow(key, Verb.DOUBT, "station restarted")

    @rule(to=st.sampled_from(PRINTERS), by=st.sampled_from([STATION, "sophie"]))
    def hand_on(self, to: str, by: str) -> None:
        moved = {job.key for job in self.spool.hand_on(list(self.states), to, by=by, at=AT, chance=self.chance)}
        for key, state in self.states.items():
            asks = by == STATION and state is State.HELD and self.causes[key] in PERSON_CAUSES
            goes = state in NEVER_SENT and not asks and self.where[key] != to
            assert (key in moved) is goes
            self.where[key] = to if goes else self.where[key]

    @invariant()
    def is_as_the_table_says(self) -> None:
        for job in self.spool.jobs() if self.states else ():
            assert (job.state, job.printer) == (self.states[job.key], self.where[job.key])

    def teardown(self) -> None:
        for key in self.states:
            history = self.spool.moves(key)
            assert [move.old for move in history[1:]] == [move.new for move in history[:-1]]
            states = [move.new for move in history]
            assert all(state not in FINAL for state in states[:-1])
            if State.UNSURE in states:
                later = states[states.index(State.UNSURE) :]
                assert not {State.QUEUED, State.SENDING} & set(later)
        self.spool.close()
        shutil.rmtree(self.folder)


@pytest.mark.timeout(1800)
def test_no_walk_of_apps_persons_and_station_leaves_the_table() -> None:
    wanted = settings(
        max_examples=far(15, 600), stateful_step_count=50, deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    run_state_machine_as_test(Walks, settings=wanted)
