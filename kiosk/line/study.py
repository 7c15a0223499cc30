"""How well the estimate foretells simulated mornings, with laws learnt from the mornings before them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random
from typing import cast

from kiosk.line.ahead import Snapshot, an_hour, foretell
from kiosk.line.day import Day, people_of
from kiosk.line.figures import class_at_the_door
from kiosk.line.laws import Laws, learn_appointments, learn_service, learn_share
from kiosk.line.order import Line
from kiosk.line.policy import LineClass, Policy
from kiosk.line.score import Told, recalibrate
from kiosk.line.simulation import Now, Person, run


def learn_laws(mornings: Sequence[Sequence[Person]], expected: int, default: Laws) -> Laws:
    """The laws of some mornings, learnt only from what a laboratory sees.

    Args:
        expected: appointments that were given on all of them.
    """
    people = [one for morning in mornings for one in morning]
    late = [(one.arrived - one.booked_for) / 60 for one in people if one.booked_for is not None]
    no_show, mean, deviation = learn_appointments(late, expected, default)
    walk_ins = [one for one in people if one.booked_for is None]
    shares = {
        name: learn_share([getattr(one, name) for one in walk_ins], getattr(default, name))
        for name in ("urgent", "needs_help", "collects")
    }
    return replace(
        default,
        **shares,
        counter=learn_service([one.counter / 60 for one in people if not one.collects], default.counter),
        short=learn_service([one.counter / 60 for one in people if one.collects], default.short),
        sampling=learn_service([one.room / 60 for one in people if one.room], default.sampling),
        no_show=no_show,
        late_mean=mean,
        late_deviation=deviation,
    )


def study(day: Day, *, learning: int, mornings: int, policy: Policy, dice: Random) -> list[Told]:
    """Learn for some mornings, then foretell each walk-in's wait on the next ones, and say what came of it.

    The correction moves after each morning, as it does in a laboratory.
    """
    seen = [list(_morning(day, policy, dice)) for _ in range(learning)]
    laws = learn_laws(seen, learning * len(day.hours()), Laws())
    told: list[Told] = []
    for _ in range(mornings):
        today = list(_foretold(day, laws, policy, dice))
        laws = recalibrate(laws, today)
        told += today
    return told


def _morning(day: Day, policy: Policy, dice: Random) -> Iterable[Person]:
    return run(people_of(day, dice), day.shifts(), lambda: Line(policy), policy=policy)


def _foretold(day: Day, laws: Laws, policy: Policy, dice: Random) -> Iterable[Told]:
    """One morning on which every walk-in is told a range at the door."""
    hours, told, came = day.hours(), dict[int, tuple[float, float]](), list[float]()

    def watch(person: Person, now: Now) -> None:
        if person.booked_for is not None:
            hours.remove(person.booked_for)
        else:
            came.append(now.at)
        if class_at_the_door(person, policy) is not LineClass.WALK_IN:
            return
        waiting = [(standing, one.collects) for standing, one in cast(Line[Person], now.line).waiting()]
        shown = Snapshot(
            at=now.at, waiting=waiting, serving=now.serving, desks=now.counters, expected=hours,
            walk_ins_an_hour=an_hour(came, now.at, day.opens),
        )  # fmt: skip
        told_now = foretell(shown, laws, policy, laws.counter, dice)
        told[person.number] = (float(told_now.middle or 0), float(told_now.high))

    gone = run(people_of(day, dice), day.shifts(), lambda: Line(policy), policy=policy, watch=watch)
    waits = {one.number: (one.called - one.arrived) / 60 for one in gone}
    return [Told(middle=middle, high=high, waited=waits[one]) for one, (middle, high) in told.items()]
