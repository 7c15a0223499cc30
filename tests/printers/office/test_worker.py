"""An office printer that jams, dies, lies by a page or says nothing: never silently lost, never printed twice."""

import io
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pypdf
import pytest

from printers.fake.office import FakeOffice, OfficeFaults
from printers.moves import State, Verb
from printers.paper import A4, At, Paper, Text
from printers.station.link import Timing
from tests.thorough import far

if TYPE_CHECKING:
    Room = Any

Sheets = Callable[..., Paper]
#: Of the owner: short, where a printer never says anything.
QUICK = Timing(glance=0.0, poll=0.0, blocked=0.01, look=0.005)
JOBS = far(16, 200)
BAD_LUCK = OfficeFaults(busy=0.1, cut=0.1, unanswered=0.1, power=0.1, fewer=0.1, abort=0.1)


def on_paper(fake: FakeOffice) -> Counter[str]:
    """Whole papers that came out, by the first word that stands on them."""
    whole = [job.pdf for job in fake.paper if job.out == job.pages]
    return Counter(pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split(",")[0] for pdf in whole)


@pytest.mark.parametrize("seed", range(1, far(1, 20) + 1))
def test_nothing_is_silently_lost_and_nothing_printed_twice(room: "Room", sheets: Sheets, seed: int) -> None:
    fake = room.fake(faults=BAD_LUCK, seed=seed)
    owner = room.owner(fake.address)
    for number in range(JOBS):
        room.put(sheets(f"N{number}", number=number, pages=1 + number % 3))
    room.work(owner, room.settled, seconds=120)
    end = time.monotonic() + 0.5
    while time.monotonic() < end:  # what was taken and not answered is found by its name
        owner.step()
    states = Counter(room.states().values())
    assert set(states) <= {State.CONFIRMED, State.UNSURE}
    assert states.total() == JOBS
    whole = on_paper(fake)
    assert max(whole.values()) == 1
    assert len({job.name for job in fake.jobs.values()}) == len(fake.jobs)  # no job was sent twice
    believed = {f"N{job.key.split('/')[1]}" for job in room.spool.jobs([State.CONFIRMED])}
    assert believed <= set(whole)  # none is silently lost
    assert 0 < states[State.UNSURE] < JOBS


def test_believing_that_what_was_taken_is_out_loses_pages(room: "Room", sheets: Sheets) -> None:
    """The control: a station that takes « job accepted » for « on paper » believes in papers that are not there."""
    fake = room.fake(faults=OfficeFaults(power=0.3, fewer=0.3, abort=0.3), seed=1)
    owner = room.owner(fake.address)
    for number in range(10):
        room.put(sheets(number=number))
    room.work(owner, room.settled)
    assert len(fake.jobs) == 10  # all were accepted
    assert on_paper(fake).total() < 10


@pytest.mark.parametrize("share", [index / far(12, 97) for index in range(far(12, 97) + 1)])
def test_a_cable_cut_at_any_byte_prints_nothing_twice(room: "Room", sheets: Sheets, share: float) -> None:
    fake = room.fake()
    owner = room.owner(fake.address)
    room.put(sheets())
    fake.cut_at = max(4, int(share * 15_000)) if share < 1 else 1 << 30
    room.work(owner, room.settled)
    state, out = room.states()["report/1"], on_paper(fake).total()
    assert (state, out) in {(State.UNSURE, 0), (State.CONFIRMED, 1)}
    assert room.causes()["report/1"] in {"connection lost", "proof"}


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("media-jam-error", "jam"),
        ("media-empty", "paper-out"),
        ("media-needed-error", "paper-out"),
        ("door-open-report", "cover-open"),
        ("cover-open", "cover-open"),
        ("toner-empty-error", "toner-out"),
        ("marker-supply-empty", "toner-out"),
        ("output-area-full", "tray-full"),
        ("paused", "paused"),
        ("vendor-secret-reason", "error"),
    ],
)
def test_a_printer_that_stands_still_gets_nothing_and_goes_on_by_itself(
    room: "Room", sheets: Sheets, reason: str, cause: str
) -> None:
    fake = room.fake()
    fake.stop_for(reason)
    owner = room.owner(fake.address)
    room.put(sheets())
    room.work(owner, lambda: room.states() == {"report/1": State.HELD})
    assert (room.causes(), fake.jobs) == ({"report/1": cause}, {})
    assert [(each.state, each.cause) for each in room.spool.printers()] == [("held", cause)]
    fake.put_right()
    room.work(owner, room.settled)
    assert room.states() == {"report/1": State.CONFIRMED}


def test_a_warning_of_one_tray_stops_nothing(room: "Room", sheets: Sheets) -> None:
    fake = room.fake()
    fake.reason = "media-empty-warning"
    room.put(sheets())
    owner = room.owner(fake.address)
    room.work(owner, room.settled)
    assert room.states() == {"report/1": State.CONFIRMED}
    fake.reason = "media-low-report"
    room.work(owner, lambda: [each.cause for each in room.spool.printers()] == ["near-end"])


def test_a_jam_in_the_middle_is_unsure_and_its_late_proof_is_believed(room: "Room", sheets: Sheets) -> None:
    fake = room.fake()
    fake.jam_at = 1
    owner = room.owner(fake.address, timing=replace(QUICK, warm=0.3, page=0.1))
    room.put(sheets(pages=3, secret=False))
    room.work(owner, lambda: room.states() == {"report/1": State.UNSURE}, seconds=30)
    assert room.causes() == {"report/1": "jam"}
    fake.put_right()
    room.work(owner, lambda: room.states() == {"report/1": State.CONFIRMED})
    assert on_paper(fake).total() == 1


def test_whoever_says_that_it_is_not_out_has_it_taken_back(room: "Room", sheets: Sheets) -> None:
    """Else the copy that is printed anew would be the second one once the jam is cleared."""
    fake = room.fake()
    fake.jam_at = 0
    owner = room.owner(fake.address)
    room.put(sheets(secret=False))
    room.work(owner, lambda: room.states() == {"report/1": State.UNSURE}, seconds=30)
    room.spool.move("report/1", Verb.DISOWN, by="sophie", at=room.at)
    room.work(owner, lambda: not owner._late)
    fake.put_right()
    room.put(sheets(number=2))
    room.work(owner, room.settled)
    assert [job.pages for job in fake.paper if job.out] == [2]
    assert room.states() == {"report/1": State.VOID, "report/2": State.CONFIRMED}


def test_a_secret_paper_is_taken_back_after_two_minutes(room: "Room", sheets: Sheets) -> None:
    fake = room.fake()
    fake.jam_at = 1
    owner = room.owner(fake.address)
    room.put(sheets())
    room.pass_by(119.8)
    room.work(owner, room.settled)
    assert (room.states(), room.causes()) == ({"report/1": State.UNSURE}, {"report/1": "cancelled"})
    fake.put_right()
    room.put(sheets(number=2, secret=False))
    room.work(owner, room.settled)
    assert [job.out for job in fake.jobs.values()] == [1, 2]  # not a page more came out


def test_a_secret_paper_whose_answer_was_lost_is_taken_back_too(room: "Room", sheets: Sheets) -> None:
    fake = room.fake(faults=OfficeFaults(unanswered=1.0))
    fake.jam_at = 0
    owner = room.owner(fake.address)
    room.put(sheets())
    room.pass_by(119.8)
    room.work(owner, room.settled)
    room.work(owner, lambda: not owner._late)
    assert fake.paper == []
    assert room.states() == {"report/1": State.UNSURE}


def test_what_a_dead_station_left_is_taken_back_by_the_next(room: "Room", sheets: Sheets) -> None:
    fake = room.fake()
    fake.jam_at = 0
    first = room.owner(fake.address)
    room.put(sheets())
    room.work(first, lambda: room.states() == {"report/1": State.SENT})
    second = room.owner(fake.address)  # the first one died: it takes nothing back
    room.work(second, lambda: room.states() == {"report/1": State.UNSURE})
    room.work(second, lambda: second._is_swept)
    fake.put_right()
    assert fake.paper == []
    assert {job.state for job in fake.jobs.values()} == {7}


def test_a_station_that_stops_takes_its_papers_with_it(room: "Room", sheets: Sheets) -> None:
    fake = room.fake()
    fake.jam_at = 0
    owner = room.owner(fake.address)
    room.put(sheets())
    room.work(owner, lambda: room.states() == {"report/1": State.SENT})
    owner._leave()
    assert {job.state for job in fake.jobs.values()} == {7}


def test_a_printer_that_does_not_count_proves_nothing(room: "Room", sheets: Sheets) -> None:
    fake = room.fake(counts=False)
    owner = room.owner(fake.address)
    room.put(sheets())
    room.work(owner, room.settled)
    assert (room.states(), room.causes()) == ({"report/1": State.UNSURE}, {"report/1": "no proof"})


@pytest.mark.parametrize("model", [None, "Somebody else's"])
def test_an_unpaired_printer_is_not_believed(room: "Room", sheets: Sheets, model: str | None) -> None:
    fake = room.fake()
    owner = room.owner(fake.address, model=model)
    room.put(sheets())
    room.work(owner, lambda: room.states() == {"report/1": State.SENT} and owner._current is None)
    room.work(owner, lambda: on_paper(fake).total() == 1)
    assert [each.cause for each in room.spool.printers()] == ["without-id"]
    assert room.states() == {"report/1": State.SENT}


def test_a_printer_that_prints_for_others_is_waited_for(room: "Room", sheets: Sheets) -> None:
    fake = room.fake()
    fake.jam_at = 0
    owner = room.owner(fake.address)
    room.put(sheets(secret=False))
    room.work(owner, lambda: room.states()["report/1"] is State.SENT)
    other = room.owner(fake.address, name="office-2")
    room.spool.put(sheets(number=2), printer="office-2", at=room.at, chance=room.chance)
    fake.is_stopped = False  # it feeds again, and is busy with the first
    fake._page_s, fake.jam_at = 30.0, None
    other._is_swept = True  # the other paper is another laboratory's: it is not ours to take back
    room.work(other, lambda: room.causes()["report/2"] in {"busy", "jam"})
    assert len(fake.jobs) == 1


def test_nothing_personal_stands_outside_the_document(room: "Room", sheets: Sheets) -> None:
    fake = room.fake()
    owner = room.owner(fake.address)
    room.put(sheets("ZQCANARI Yseult"))
    room.work(owner, room.settled)
    (job,) = fake.jobs.values()
    assert [sent.dots for sent in room.spool.sendings([1]).values()] == [""]
    assert job.name.startswith("etq-")
    assert job.wishes["requesting-user-name"] == "poste"
    assert {job.wishes[name] for name in ("job-hold-until", "job-retain-until", "job-sheets")} == {"no-hold", "none"}
    assert "print-scaling" not in job.wishes  # this printer does not offer it
    for heard in fake.heard:
        outside = heard.partition(b"%PDF")[0]
        assert not [word for word in (b"ZQCANARI", b"Yseult", b"report", b"sophie", b"MOREAU") if word in outside]


def test_a_paper_of_another_medium_is_refused(room: "Room") -> None:
    fake = room.fake()
    owner = room.owner(fake.address)
    cell = At(x=0, y=0, w=2520, h=100, item=Text(s="W" * 300, size_max=60, size_min=60))
    room.put(Paper(kind="report", form=A4, items=(cell,), key="report/wide"))
    room.work(owner, room.settled)
    assert (room.states(), fake.jobs) == ({"report/wide": State.VOID}, {})
    assert room.causes() == {"report/wide": "unprintable"}


def test_a_printer_that_is_off_is_waited_for(room: "Room", sheets: Sheets) -> None:
    fake = room.fake()
    fake.stop()
    owner = room.owner(fake.address)
    room.put(sheets())
    room.work(owner, lambda: room.causes() == {"report/1": "unreachable"})
    assert room.states() == {"report/1": State.HELD}
