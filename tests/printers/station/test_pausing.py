"""A printer that a person has paused sends nothing until a person says so."""

import time
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from printers.errors import ImpossibleMove
from printers.moves import STATION, State, Verb
from printers.paper import LABEL_50X25, ROLL_80, Paper
from printers.preview import fingerprint, png
from printers.rows import Place

if TYPE_CHECKING:
    Room = Any

MakeLabel = Callable[..., Paper]
Chance = Callable[[int], bytes]


def places(room: "Room", *names: str) -> None:
    room.spool.describe([Place(name=name, desk="Guichet 1", media=LABEL_50X25) for name in names], at=room.at)


def state(room: "Room", key: str) -> tuple[State, str]:
    job = room.spool.job(key)
    return job.state, job.cause


def test_a_paused_printer_holds_what_waits_and_what_comes_and_stays_paused_after_a_restart(
    room: "Room", label: MakeLabel, chance: Chance
) -> None:
    places(room, "labels")
    fake = room.fake()
    before, after = label("000000000001"), label("000000000002")
    room.spool.put(before, printer="labels", at=room.at, chance=chance)
    room.spool.pause("labels", by="sophie", at=room.at)
    assert state(room, before.key) == (State.HELD, "pause")
    room.spool.put(after, printer="labels", at=room.at, chance=chance)
    worker = room.worker(fake.address, LABEL_50X25)
    room.work(worker, lambda: state(room, after.key) == (State.HELD, "pause"))
    places(room, "labels")  # another station starts
    for _ in range(10):
        worker.step()
    assert fake.paper == []
    (told,) = room.spool.printers()
    assert (told.paused_by, told.paused_at, told.state) == ("sophie", room.at, "ready")
    room.spool.unpause("labels", by="nadia", at=room.at)
    room.work(worker, room.finished)
    assert [paper.symbols for paper in fake.paper] == [["000000000001"], ["000000000002"]]


def test_a_pause_that_comes_while_a_label_is_being_drawn_still_keeps_it(
    room: "Room", label: MakeLabel, chance: Chance, monkeypatch: pytest.MonkeyPatch
) -> None:
    places(room, "labels")
    fake, paper = room.fake(), label()
    room.spool.put(paper, printer="labels", at=room.at, chance=chance)
    worker = room.worker(fake.address, LABEL_50X25)
    ask = worker._ask

    def pause_and_ask() -> Any:
        if not room.spool.is_paused("labels"):
            with room.spool._writing() as db:  # the flag alone: the job is already in the worker's hand
                db.execute("UPDATE printers SET paused_at = 1, paused_by = 'sophie' WHERE name = 'labels'")
        return ask()

    monkeypatch.setattr(worker, "_ask", pause_and_ask)
    room.work(worker, lambda: state(room, paper.key) == (State.HELD, "pause"))
    assert fake.paper == []
    assert room.spool.sendings([room.spool.job(paper.key).id]) == {}


def test_the_station_cannot_end_a_pause(room: "Room", label: MakeLabel, chance: Chance) -> None:
    places(room, "labels")
    paper = label()
    room.spool.put(paper, printer="labels", at=room.at, chance=chance)
    room.spool.pause("labels", by="sophie", at=room.at)
    with pytest.raises(ImpossibleMove):
        room.spool.unpause("labels", by=STATION, at=room.at)
    with pytest.raises(ImpossibleMove):
        room.spool.move(paper.key, Verb.RESUME, by=STATION, at=room.at)


def test_a_pause_that_ended_while_the_worker_looked_holds_nothing_any_more(
    room: "Room", label: MakeLabel, chance: Chance
) -> None:
    places(room, "labels")
    paper = label()
    room.spool.pause("labels", by="sophie", at=room.at)
    room.spool.put(paper, printer="labels", at=room.at, chance=chance)
    room.spool.unpause("labels", by="sophie", at=room.at)
    with pytest.raises(ImpossibleMove):  # what the worker saw a moment ago would hold this label for ever
        room.spool.move(paper.key, Verb.HOLD, by=STATION, at=room.at, reason="pause")
    assert state(room, paper.key)[0] is State.QUEUED


def test_after_a_long_pause_what_is_too_old_asks_before_it_comes_out(
    room: "Room", label: MakeLabel, chance: Chance
) -> None:
    places(room, "labels")
    fake, old, new = room.fake(), label("000000000001"), label("000000000002")
    room.spool.put(old, printer="labels", at=room.at, chance=chance)
    room.spool.pause("labels", by="sophie", at=room.at)
    room.at += timedelta(hours=14)
    room.spool.put(new, printer="labels", at=room.at, chance=chance)
    room.spool.unpause("labels", by="sophie", at=room.at)
    worker = room.worker(fake.address, LABEL_50X25)
    room.work(worker, lambda: state(room, new.key)[0] is State.CONFIRMED)
    assert state(room, old.key) == (State.HELD, "age")
    assert len(fake.paper) == 1


def test_labels_moved_from_a_paused_printer_come_out_on_the_other_one(
    room: "Room", label: MakeLabel, chance: Chance
) -> None:
    places(room, "labels", "second")
    fake, paper = room.fake(), label()
    room.spool.put(paper, printer="labels", at=room.at, chance=chance)
    room.spool.pause("labels", by="sophie", at=room.at)
    room.spool.hand_on([paper.key], "second", by="sophie", at=room.at, chance=chance, reason="after labels")
    worker = room.worker(fake.address, LABEL_50X25, name="second")
    room.work(worker, room.finished)
    assert len(fake.paper) == 1
    (given,) = room.spool.handed_on(room.at)
    assert (given.printer, given.reason, given.by) == ("second", "after labels", "sophie")


def test_nothing_fails_over_to_a_paused_printer(room: "Room", label: MakeLabel, chance: Chance) -> None:
    from printers.settings import Printer
    from printers.station.link import Timing

    places(room, "labels", "second")
    out, well = room.fake(), room.fake()
    out.run_out()
    quick = Timing(answer=1.0, proof=0.5, poll=0.0, blocked=0.01, look=0.005, reopen=0.0, give_up=0.02)
    beside = Printer(name="second", address=well.address, media=LABEL_50X25, desk="Guichet 1")
    one = room.worker(out.address, LABEL_50X25, timing=quick, beside=beside, desk="Guichet 1", fallback="second")
    two = room.worker(well.address, LABEL_50X25, name="second", desk="Guichet 1")
    room.spool.pause("second", by="sophie", at=room.at)
    paper = label()
    room.spool.put(paper, printer="labels", at=room.at, chance=chance)
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        two.step()
        one.step()
    assert state(room, paper.key) == (State.HELD, "paper-out")
    assert room.spool.job(paper.key).printer == "labels"
    room.spool.unpause("second", by="sophie", at=room.at)
    room.work(one, lambda: len(well.paper) == 1, others=(two,))


def test_the_fingerprint_of_what_was_sent_is_that_of_the_preview_and_of_the_paper_that_came_out(
    room: "Room", label: MakeLabel, ticket: Paper, chance: Chance
) -> None:
    fakes = {LABEL_50X25: ("labels", label()), ROLL_80: ("tickets", ticket)}
    for form, (name, paper) in fakes.items():
        fake = room.fake()
        room.spool.put(paper, printer=name, at=room.at, chance=chance)
        room.work(room.worker(fake.address, form, name=name), room.finished)
        number = room.spool.job(paper.key).id
        sent = room.spool.sendings([number])[number]
        assert sent.dots == fingerprint(Image.open(BytesIO(png(paper))))
        assert sent.asks_id
        if form is LABEL_50X25:
            assert fingerprint(fake.paper[0].image) == sent.dots


def test_one_dot_more_is_another_fingerprint(label: MakeLabel) -> None:
    image = Image.open(BytesIO(png(label()))).convert("1")
    before = fingerprint(image)
    image.putpixel((200, 100), 0 if image.getpixel((200, 100)) else 255)
    assert fingerprint(image) != before
    assert fingerprint(image.rotate(90, expand=True)) != fingerprint(image)


def test_what_a_station_does_not_serve_any_more_is_out_of_service(room: "Room") -> None:
    places(room, "labels", "old")
    room.spool.pause("old", by="sophie", at=room.at)
    places(room, "labels")
    told = {one.name: one for one in room.spool.printers()}
    assert told["labels"].media == LABEL_50X25
    assert told["labels"].desk == "Guichet 1"
    assert (told["labels"].served, told["old"].served, told["old"].paused_by) == (True, False, "sophie")
    assert room.spool.is_alive(room.at)
    assert not room.spool.is_alive(room.at + timedelta(seconds=30))


def test_whoever_writes_the_file_changes_what_a_screen_watches(room: "Room", label: MakeLabel, chance: Chance) -> None:
    from printers.station.spool import StationSpool

    seen = room.spool.writings()
    assert room.spool.writings() == seen
    room.spool.put(label("000000000001"), printer="labels", at=room.at, chance=chance)
    own = room.spool.writings()
    assert own != seen
    with StationSpool(room.spool.path, room.spool.station) as other:
        other.put(label("000000000002"), printer="labels", at=room.at, chance=chance)
    assert room.spool.writings() != own
