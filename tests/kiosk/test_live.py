"""A live panel hears every commit once, knows when it hears nothing, and never takes the place of a check-in."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from kiosk import live
from kiosk.live import TooManyScreens, Watch, tell
from kiosk.register.database import Database
from kiosk.register.events import Event, announce, events_after
from kiosk.register.sites import Site
from tests.kiosk.conftest import Reception


def whole(event: Event) -> dict[str, Any]:
    return dict(event.body)


def say(database: Database, site: Site, at: datetime, topic: str, **body: object) -> None:
    with database.transaction() as db:
        announce(db, site.id, topic, body, at=at)


def read(line: str) -> tuple[str, dict[str, Any], int | None]:
    parts = dict(part.split(": ", 1) for part in line.strip().splitlines())
    return parts["event"], json.loads(parts["data"]), int(parts["id"]) if "id" in parts else None


@pytest.fixture
def watch(database: Database) -> Iterator[Watch]:
    opened = Watch(database)
    opened.take_place(1)
    yield opened
    opened.leave_place()
    deadline = time.monotonic() + 5
    while any(thread.name == "live" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "the watch goes on although nobody listens"
        time.sleep(0.02)


def test_a_page_that_comes_for_the_first_time_is_told_to_ask_for_everything(
    database: Database, site: Site, at: datetime, watch: Watch
) -> None:
    say(database, site, at, "call", number=1, desk="Guichet 1")
    lines = tell(database, watch, site.id, ["call"], body=whole, since=None)
    assert read(next(lines)) == ("resync", {}, 1)


def test_a_page_that_says_where_it_stood_misses_nothing_and_hears_nothing_twice(
    database: Database, site: Site, at: datetime, watch: Watch
) -> None:
    for number in range(1, 6):
        say(database, site, at, "call", number=number)
    lines = tell(database, watch, site.id, ["call"], body=whole, since=2)
    assert [read(next(lines)) for _ in range(3)] == [("call", {"number": n}, n) for n in (3, 4, 5)]


def test_a_page_that_stood_in_the_future_is_told_to_ask_for_everything(
    database: Database, site: Site, at: datetime, watch: Watch
) -> None:
    say(database, site, at, "call", number=1)
    lines = tell(database, watch, site.id, ["call"], body=whole, since=99)
    assert read(next(lines)) == ("resync", {}, 1)


def test_a_commit_of_another_thread_is_heard_before_the_next_beat(
    database: Database, site: Site, at: datetime, watch: Watch
) -> None:
    lines = tell(database, watch, site.id, ["call"], body=whole, since=0)
    spoken = threading.Timer(0.2, say, (database, site, at, "call"), {"number": 7})
    spoken.start()
    assert read(next(lines)) == ("call", {"number": 7}, 1)
    spoken.join()


def test_only_the_topics_of_the_panel_are_heard(database: Database, site: Site, at: datetime, watch: Watch) -> None:
    say(database, site, at, "paper", job=1)
    say(database, site, at, "call", number=1)
    lines = tell(database, watch, site.id, ["call"], body=whole, since=0)
    assert read(next(lines)) == ("call", {"number": 1}, 2)


def test_a_quiet_line_beats(database: Database, site: Site, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT", 0.1)
    lines = tell(database, watch, site.id, ["call"], body=whole, since=0)
    assert read(next(lines)) == ("beat", {}, None)
    assert read(next(lines)) == ("beat", {}, None)


def test_streams_take_their_leave_when_the_programme_is_to_stop(database: Database, site: Site, watch: Watch) -> None:
    lines = tell(database, watch, site.id, ["call"], body=whole, since=0)
    threading.Timer(0.1, watch.end).start()
    began = time.monotonic()
    assert list(lines) == []
    assert time.monotonic() - began < live.BEAT - 1


def test_no_connection_is_held_between_two_lines(database: Database, site: Site, at: datetime, watch: Watch) -> None:
    lines = tell(database, watch, site.id, ["call"], body=whole, since=None)
    next(lines)
    say(database, site, at, "call", number=1)
    next(lines)
    watched = 1  # the watch's own
    assert database.reading_engine.pool.checkedout() <= watched  # type: ignore[attr-defined]


def test_streams_stop_at_their_cap_and_give_their_place_back(database: Database) -> None:
    watch = Watch(database)
    watch.take_place(2)
    watch.take_place(2)
    with pytest.raises(TooManyScreens):
        watch.take_place(2)
    watch.leave_place()
    watch.take_place(2)
    assert watch.streams == 2


def test_over_the_cap_the_page_is_told_to_come_back(reception: Reception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reception.client.application.config, "STREAMS", 1)
    first = reception.client.get("/board/events", base_url="https://localhost", buffered=False)
    assert first.mimetype == "text/event-stream"
    refused = reception.visitor().get("/board/events", base_url="https://localhost")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    script = {"Accept": "text/event-stream"}
    refused = reception.visitor().get("/board/events", base_url="https://localhost", headers=script)
    assert (refused.status_code, refused.headers["Retry-After"], refused.data) == (503, "1", b"")
    first.close()
    again = reception.visitor().get("/board/events", base_url="https://localhost", buffered=False)
    assert again.status_code == 200
    again.close()


def test_the_board_s_stream_carries_numbers_and_desks_alone(reception: Reception) -> None:
    body = {"number": 4, "desk": "Guichet 2", "stage": "counter", "verb": "call", "name": "ZZY"}
    with reception.staff.transaction() as db:
        announce(db, reception.site.id, "line", {"number": 4, "name": "ZZY"}, at=reception.at)
        announce(db, reception.site.id, "call", body, at=reception.at)
    answer = reception.client.get(
        "/board/events", base_url="https://localhost", headers={"Last-Event-ID": "0"}, buffered=False
    )
    lines = iter(answer.response)
    told = [str(next(lines), "utf-8") for _ in range(2)]  # type: ignore[call-overload]
    answer.close()
    shown = reception.client.get("/board/state", base_url="https://localhost").json
    assert [read(one) for one in told] == [("line", shown, 1), ("call", shown, 2)]
    assert set(shown or ()) == {"calls", "range", "hour"}
    assert "ZZY" not in "".join(told)


def test_streams_at_the_same_place_read_once_until_something_is_committed(
    database: Database, site: Site, at: datetime, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    asks = events_after

    def counted(db: Session, site_id: UUID, seq: int, *, topics: Sequence[str]) -> Sequence[Event]:
        asked.append(seq)
        return asks(db, site_id, seq, topics=topics)

    monkeypatch.setattr(live, "events_after", counted)
    say(database, site, at, "call", number=1)
    watch.wait(watch.commits, 10)  # its first look
    assert [len(watch.events(site.id, 0, ["call"])) for _ in range(48)] == [1] * 48
    assert asked == [0]
    assert len(watch.events(site.id, 1, ["call"])) == 0
    seen = watch.commits
    say(database, site, at, "call", number=2)
    watch.wait(seen, 10)
    assert len(watch.events(site.id, 0, ["call"])) == 2
