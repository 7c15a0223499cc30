"""A day to be simulated: read from a file with care, or learnt from the laboratory's own past."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kiosk.line.day import Day
from kiosk.line.laws import Laws, Service
from kiosk.line.policy import Policy
from kiosk.register.database import Database
from kiosk.register.sites import Site
from kiosk.register.visits import Verb
from results.upkeep.simulation.plan import BadPlan, Plan, plan_of_history, read_plan
from tests.kiosk.secretary import Reception

WHOLE = """
opens = "07:00"
walk_ins = [10, 12.5, 8]
booked = [4, 4, 0]
counters = [2, 3]
rooms = [2]
[policy]
guard = 30
booked_rate = 3
urgent_cap = 4
[laws]
no_show = 0.1
late_mean = -8
[laws.counter]
median = 5.0
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "plan.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, WHOLE))
    assert plan.day == Day(
        opens=7 * 3600.0, walk_ins=(10.0, 12.5, 8.0), booked=(4, 4, 0), counters=(2, 3), rooms=(2,),
        laws=Laws(no_show=0.1, late_mean=-8.0, counter=Service(median=5.0, sigma=Laws().counter.sigma)),
    )  # fmt: skip
    assert plan.policy == Policy(guard=timedelta(minutes=30), booked_rate=3.0, urgent_cap=4)
    assert read_plan(written(tmp_path, "")) == Plan()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("walk_in = [1]", "walk_in"),
        ("walk_ins = [-1]", "walk_ins"),
        ("walk_ins = [1e9]", "walk_ins"),
        ("walk_ins = []", "walk_ins"),
        ("walk_ins = 4", "walk_ins"),
        ("walk_ins = [true]", "walk_ins"),
        ("booked = [1.5]", "booked"),
        ("counters = [0]", "counters"),
        ("rooms = [0]", "rooms"),
        ('opens = "25:00"', "opens"),
        ("opens = 7", "opens"),
        ("[policy]\nguard = -1", "guard"),
        ("[policy]\nbooked_rate = 0", "booked_rate"),
        ('[policy]\nguard = "45"', "guard"),
        ("[laws]\nno_show = 1.5", "no_show"),
        ("[laws]\nwhat = 1", "what"),
        ("[laws.counter]\nmean = 1", "mean"),
        ("[laws.counter]\nmedian = 0", "median"),
        ("[laws]\ncounter = 4", "laws.counter"),
        ("policy = 3", "policy"),
        ("walk_ins = [1", "plan.toml"),
    ],
)
def test_a_figure_that_cannot_be_is_refused_by_its_name(tmp_path: Path, text: str, names: str) -> None:
    with pytest.raises(BadPlan, match=names):
        read_plan(written(tmp_path, text))


def test_the_past_makes_an_average_day(
    database: Database, site: Site, at: datetime, chance: Callable[[int], bytes]
) -> None:
    sophie = Reception(site, at, chance)
    for _ in range(3):
        with database.reading() as db, pytest.raises(BadPlan, match="jours"):
            plan_of_history(db, site, at=sophie.at)
        for minutes in (0, 5, 40):  # from half past eight in Paris: the third half-hour of this site
            sophie.at += timedelta(minutes=minutes)
            with database.transaction() as db:
                visit = sophie.gives_number(db)
                if minutes == 5:
                    visit.booked_for = sophie.at + timedelta(minutes=30)
                sophie.calls_next(db)
                sophie.waits(3)
                sophie.moves(db, visit, Verb.LEAVE)
        sophie.at = sophie.at.replace(hour=at.hour, minute=at.minute) + timedelta(days=1)
    with database.reading() as db:
        day = plan_of_history(db, site, at=sophie.at).day
    assert day.opens == 7.5 * 3600
    assert len(day.walk_ins) == 21  # until six in the evening
    assert [round(one, 2) for one in day.walk_ins[:6]] == [0, 0, 1, 1, 0, 0]
    assert day.booked[:6] == (0, 0, 0, 1, 0, 0)
    assert set(day.counters) == {1}
