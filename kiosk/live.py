"""Live panels: one stream a page, capped, with a beat that tells a quiet line from a cut one."""

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from time import monotonic, sleep
from typing import Any, cast
from uuid import UUID

import psycopg
from flask import Response, current_app, request
from sqlalchemy import PoolProxiedConnection
from sqlalchemy.exc import SQLAlchemyError

from kiosk.register.database import Database
from kiosk.register.errors import Later
from kiosk.register.events import Event, events_after, last_seq
from kiosk.web import house

#: Seconds between two signs of life: a comment line would never reach the page, so it is an event.
BEAT = 5.0
#: Seconds between two looks at the database while at least one stream is open.
GLANCE = {"sqlite": 0.01, "postgresql": 0.1}
#: Seconds between two looks of a stream at what is no row of the register.
LOOK = 0.2
#: Streams of one app that no server has told how many threads it has.
CAP = 48

Body = Callable[[Event], dict[str, Any]]

log = logging.getLogger("etiquette")


class TooManyScreens(Later):
    """All streams of this app are taken; the page asks by itself every few seconds."""

    french = "Trop d'écrans écoutent en même temps. Cet écran se met à jour toutes les 3 secondes."


class Watch:
    """One thread that looks for commits while somebody listens, and wakes every stream."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._woken = threading.Condition()
        self._commits = 0
        self._streams = 0
        self._looks = False
        self._ended = False
        self._version: Any = None
        self._reading = threading.Lock()
        self._read: tuple[object, Sequence[Event]] = (None, ())

    @property
    def ended(self) -> bool:
        """Whether the programme is about to stop: streams take their leave, and their pages come back by themselves."""
        return self._ended

    def end(self) -> None:
        """Let every stream take its leave now."""
        with self._woken:
            self._ended = True
            self._woken.notify_all()

    @property
    def streams(self) -> int:
        """Streams that are open now."""
        return self._streams

    def take_place(self, cap: int) -> None:
        """Count one stream more.

        Raises:
            TooManyScreens: when `cap` are open.
        """
        with self._woken:
            if self._streams >= cap:
                raise TooManyScreens
            self._streams += 1

    def leave_place(self) -> None:
        """Count one stream less; the thread ends with the last."""
        with self._woken:
            self._streams -= 1

    @property
    def commits(self) -> int:
        """Commits seen so far."""
        return self._commits

    def events(self, site_id: UUID, seq: int, topics: Sequence[str]) -> Sequence[Event]:
        """What followed a number, read once for all the streams that stand at the same place after the same commit."""
        with self._reading:
            asked = (self._commits, site_id, seq, tuple(topics))
            if self._read[0] != asked:
                with self._database.reading() as db:
                    self._read = (asked, events_after(db, site_id, seq, topics=topics))
            return self._read[1]

    def wait(self, seen: int, seconds: float) -> None:
        """Sleep until a commit follows the one that was `seen`, or for so many seconds."""
        with self._woken:
            if not self._looks:
                self._looks = True
                threading.Thread(target=self._look, name="live", daemon=True).start()
            self._woken.wait_for(lambda: self._ended or self._commits != seen, timeout=max(0.0, seconds))

    def _look(self) -> None:
        try:
            link = self._database.reading_engine.raw_connection()
            try:
                while self._looks:
                    self._compare(link)
                    sleep(GLANCE[self._database.reading_engine.dialect.name])
            finally:
                link.close()
        except (SQLAlchemyError, sqlite3.Error, psycopg.Error) as fault:
            # Streams go on by their beat; the next one to wait starts the watch again.
            log.warning("the watch of the events stopped: %s", type(fault).__name__)
            with self._woken:
                self._looks = False
                self._commits += 1  # nobody knows what was missed: at their beat the streams read for themselves

    def _compare(self, link: PoolProxiedConnection) -> None:
        # No transaction stays open: a reader would keep SQLite's log from being folded back.
        cursor = link.cursor()
        sqlite = self._database.reading_engine.dialect.name == "sqlite"
        cursor.execute("PRAGMA data_version" if sqlite else "SELECT sum(number) FROM event_counter")
        version = cursor.fetchone()
        cursor.close()
        if not sqlite:
            link.rollback()
        with self._woken:
            if version != self._version:
                self._version = version
                self._commits += 1
                self._woken.notify_all()
            self._looks = self._streams > 0


def watch() -> Watch:
    """The watch of the app that answers this request."""
    return cast(Watch, current_app.extensions.setdefault("live", Watch(house().database)))


def stream(site_id: UUID, topics: Sequence[str], *, body: Body, cap: int | None = None) -> Response:
    """Answer with the events of some topics as they are committed.

    The first event is `resync` (ask for the whole panel) unless the page says by `Last-Event-ID` where it stood.

    Args:
        body: what may be said of an event on this screen.
        cap: streams that this app may hold open; what its threads allow when not given.

    Raises:
        TooManyScreens: when all are taken.
    """
    place = watch()
    place.take_place(current_app.config.get("STREAMS", CAP) if cap is None else cap)
    told = request.headers.get("Last-Event-ID", "")
    lines = tell(house().database, place, site_id, topics, body=body, since=int(told) if told.isdecimal() else None)
    answer = Response(lines, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
    answer.call_on_close(place.leave_place)
    return answer


def tell(
    database: Database, watch: Watch, site_id: UUID, topics: Sequence[str], *, body: Body, since: int | None
) -> Iterator[str]:
    """The text of a stream, as long as the programme runs; no connection is held between two of its lines."""
    with database.reading() as db:
        newest = last_seq(db, site_id)
    seen = newest if since is None or since > newest else since
    if seen != since:
        yield _line("resync", {}, seen)
    beat = monotonic() + BEAT
    while not watch.ended:
        commits = watch.commits
        for event in watch.events(site_id, seen, topics):
            seen = event.seq  # where the next question starts
            yield _line(event.topic, body(event), seen)
        if monotonic() >= beat:
            beat = monotonic() + BEAT
            yield _line("beat", {}, None)
        watch.wait(commits, beat - monotonic())


def stream_changes(topic: str, look: Callable[[], str], *, cap: int | None = None) -> Response:
    """Answer with an event of this topic whenever what `look` says has changed: for what is no row of the register.

    Args:
        look: a short mark of what the screen shows, asked again and again outside any request.
        cap: streams that this app may hold open; what its threads allow when not given.

    Raises:
        TooManyScreens: when all are taken.
    """
    place = watch()
    place.take_place(current_app.config.get("STREAMS", CAP) if cap is None else cap)
    lines = tell_changes(place, topic, look)
    answer = Response(lines, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
    answer.call_on_close(place.leave_place)
    return answer


def tell_changes(watch: Watch, topic: str, look: Callable[[], str]) -> Iterator[str]:
    """The text of such a stream; its first event is `resync`, and a beat tells a quiet one from a cut one."""
    seen, beat = look(), monotonic() + BEAT
    yield _line("resync", {}, None)
    while not watch.ended:
        sleep(LOOK)
        if (mark := look()) != seen:
            seen = mark
            yield _line(topic, {}, None)
        if monotonic() >= beat:
            beat = monotonic() + BEAT
            yield _line("beat", {}, None)


def _line(name: str, said: dict[str, Any], seq: int | None) -> str:
    number = "" if seq is None else f"id: {seq}\n"
    return f"{number}event: {name}\ndata: {json.dumps(said, ensure_ascii=False)}\n\n"
