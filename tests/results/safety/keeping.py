"""What time, an old copy of the files and a note on paper do to the life of a report: more acts of the same walk."""

import shutil
import sqlite3
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from sqlalchemy import text

from kiosk.formats.merkle import Checkpoint
from kiosk.register.journal import head_of, verify
from results.handing.hand_over_rule import NothingToHandOver
from results.keeping.purge import clean, purge
from results.stopping.stops import clear_stops, is_stopped, keep_stop, stop_releases
from tests.results.safety.expected import Expected, File
from tests.results.safety.walk import MANY, Walk

FILES = ("register.sqlite", "results.sqlite")
#: Most stops are cleared soon: while one lasts nothing is told, and little else can be seen.
LASTS = st.sampled_from([False, False, False, True])
#: Together no walk is a year long: what goes after twelve months is the purge's own tests' to see.
LONGEST = timedelta(days=200)
LINES_FOR, SEALED_FOR = timedelta(days=60), timedelta(days=90)


@dataclass(kw_only=True)
class Copy:
    """The files as they were, and what was expected of them."""

    folder: Path
    kept: tuple[list[File], list[File], Expected, dict[str, Any]]
    told: int
    answered: int
    ended: set[tuple[Any, ...]]
    last_raw: bytes
    arrived: int
    #: Stops of releases whose rows were there -> whether they were cleared.
    stops: dict[int, bool]


@dataclass(kw_only=True)
class Stops:
    """What is known of the stops of releases: the rows, and the number beside the keys, which no copy brings back."""

    rows: dict[int, bool] = field(default_factory=dict)
    head: int = 0

    def stand(self) -> bool:
        return not all(self.rows.values()) or (self.head > 0 and self.head not in self.rows)


class Kept(Walk):
    """The walk with the evening's purge, old copies that come back, and stops of releases."""

    @initialize(seed=st.integers(0, 2**16), hours=st.sampled_from([3, 3, 0.5]))
    def a_day_begins(self, seed: int, hours: float) -> None:
        super().a_day_begins(seed=seed, hours=hours)
        self.gone: list[File] = []
        self.copy: Copy | None = None
        self.stops, self.slept = Stops(), timedelta()
        for name in ("stop.head", "stop.head.new"):
            (self.lab.keys.folder / name).unlink(missing_ok=True)
        self.the_files_are_copied()  # yesterday evening's

    def learn(self) -> None:
        """Everyone's results hang on the same house."""
        self.house.is_stopped = self.stops.stand()
        for one in (*self.files, *self.gone):
            one.house = self.house
        with self.lab.database.reading() as db:
            assert is_stopped(db, self.lab.keys, self.lab.power) is self.house.is_stopped

    # ---- the purge

    @precondition(lambda self: self.slept < LONGEST and not any(one.is_tampered for one in self.files))
    @rule(days=st.sampled_from([0, 0, 0, 61, 91]))
    def the_evening_purges(self, days: int) -> None:
        self.slept += timedelta(days=days)
        self.lab.at += timedelta(days=days)
        self.break_at = 0
        now = self.lab.at
        purge(self.lab.database, self.lab.keys, by="evening", at=now, chance=self.lab.chance)
        assert clean(self.lab.database)
        for one in [*self.files]:
            if one.promised < now - LINES_FOR:
                for slip in one.slips:
                    slip.state, slip.is_purged = "void", True
                    self.ended -= {row for row in self.ended if row[0] == "line" and row[1] == slip.id.hex}
            if one.promised < now - SEALED_FOR:
                self.files.remove(one)
                self.gone.append(one)
                for report in one.reports:
                    for version in report.versions:
                        version.state = "withdrawn" if version.state == "sealed" else version.state

    @precondition(lambda self: self.gone)
    @rule(who=MANY)
    def nobody_gets_what_was_destroyed(self, who: int) -> None:
        one = self.gone[who % len(self.gone)]
        for by_biologist in (False, True):
            made = self.lab.hands_over(one.visit, by_biologist=by_biologist)  # type: ignore[arg-type]
            assert type(made.refusal) is NothingToHandOver
            assert made.papers == ()
        for question in (
            "SELECT count(*) FROM escrow_share WHERE dossier_id = ?",
            "SELECT count(*) FROM code_line WHERE slip_id IN (SELECT id FROM slip WHERE dossier_id = ?)",
            "SELECT count(*) FROM sealed_key WHERE item IN (SELECT id FROM report WHERE dossier = ?)",
            "SELECT count(*) FROM report_version WHERE length(body) > 0 AND dossier = ?",
        ):
            assert self.one(question, one.id.hex) == 0

    # ---- an old copy

    @rule()
    def the_files_are_copied(self) -> None:
        folder = self.folder.parent / "copy"
        folder.mkdir(exist_ok=True)
        for name in FILES:
            (folder / name).unlink(missing_ok=True)
            with closing(sqlite3.connect(self.folder / name)) as db:
                db.execute("VACUUM INTO ?", (str(folder / name),))
        people = {id(one.visit): one.visit for one in (*self.files, *self.gone)}
        self.copy = Copy(
            folder=folder, kept=deepcopy((self.files, self.gone, self.expected, self.forms), people), told=self.told,
            answered=self.answered, ended=set(self.ended), last_raw=self.last_raw, arrived=self.lab.arrived,
            stops=dict(self.stops.rows),
        )  # fmt: skip

    @rule(who=MANY, lasts=LASTS)
    def an_old_copy_comes_back(self, who: int, lasts: bool) -> None:
        """The files of before are put in place; the last note on paper tells, and stops every release."""
        copy = self.copy
        assert copy is not None
        with self.lab.database.reading() as db:
            size, root = head_of(db, "results")
        self.raw.close()
        for engine in {self.lab.database.reading_engine, *self.lab.database.writing_engines.values()}:
            engine.dispose()
        for name in FILES:
            for path in self.folder.glob(f"{name}*"):
                if ".turn" not in path.name:
                    path.unlink()
            shutil.copy(copy.folder / name, self.folder / name)
        self.raw = sqlite3.connect(f"file:{self.folder / 'results.sqlite'}?mode=ro", uri=True)
        people = {id(one.visit): one.visit for file in copy.kept[:2] for one in file}
        self.files, self.gone, self.expected, self.forms = deepcopy(copy.kept, people)
        self.told, self.answered = copy.told, copy.answered
        self.ended, self.last_raw = set(copy.ended), copy.last_raw
        self.lab.arrived, self.break_at = copy.arrived, 0
        self.stops.rows = dict(copy.stops)
        self.start_desk()
        self.learn()
        note = Checkpoint(origin="labo/results", size=size, root=root)
        with self.lab.database.reading() as db:
            verdict = verify(db, "results", notes=[note])
            is_same = head_of(db, "results") == (size, root)
        assert verdict.sound is is_same, "an older copy must be found by the last note"
        if verdict.first_bad is not None:
            self.stop(size, verdict.first_bad)
        self.while_stopped(who, lasts=lasts)

    # ---- stops

    def stop(self, size: int, first_bad: int) -> None:
        lab = self.lab
        with lab.writing() as db:
            row = stop_releases(
                db, lab.keys, lab.site().id, side="results", size=size, first_bad=first_bad, by=lab.id_of("sophie"),
                power=lab.power, at=lab.at, chance=lab.chance, key=lab.key(),
            )  # fmt: skip
            number = row.number
        assert number > max([self.stops.head, *self.stops.rows])
        keep_stop(lab.keys, number)
        self.stops.rows[number], self.stops.head = False, number
        self.learn()

    def while_stopped(self, who: int, *, lasts: bool) -> None:
        """Somebody comes in vain; then it goes on, or not yet."""
        if self.files:
            self.someone_comes_without_a_slip(who=who, by_biologist=True)
        if self.house.is_stopped and not lasts:
            self.the_biologist_lets_releases_go_on()

    @rule(who=MANY, lasts=LASTS)
    def a_note_does_not_agree(self, who: int, lasts: bool) -> None:
        self.stop(who, 0)
        self.while_stopped(who, lasts=lasts)

    @precondition(lambda self: self.stops.rows)
    @rule(who=MANY, deletes=st.booleans(), lasts=LASTS)
    def another_hand_lifts_the_stop(self, who: int, deletes: bool, lasts: bool) -> None:
        forged = "UPDATE results.release_stop SET cleared_by = by, cleared_at = at, reason = x'00'"
        with self.lab.writing() as db:
            db.execute(text("DELETE FROM results.release_stop" if deletes else forged))
        if deletes:
            self.stops.rows = {}
        else:  # what was cleared rightly is vouched for no more
            self.stops.rows = dict.fromkeys(self.stops.rows, False)
        self.learn()
        self.while_stopped(who, lasts=lasts)

    @precondition(lambda self: self.house.is_stopped)
    @rule()
    def the_biologist_lets_releases_go_on(self) -> None:
        lab = self.lab
        with lab.writing() as db:
            clear_stops(
                db, lab.keys, lab.site().id, "Une ancienne sauvegarde, comparée au papier.", by=lab.id_of("lenoir"),
                power=lab.power, at=lab.at, chance=lab.chance,
            )  # fmt: skip
        self.stops.rows = dict.fromkeys(self.stops.rows, True) | ({self.stops.head: True} if self.stops.head else {})
        self.learn()
        assert not self.house.is_stopped
