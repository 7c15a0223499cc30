"""What a day of a laboratory is made of, and the people of one such day, drawn at random."""

from dataclasses import dataclass, field
from math import exp
from random import Random

from kiosk.line.laws import Laws
from kiosk.line.simulation import Person, Shift

#: A day is told by the half-hour.
HALF_HOUR = 1800.0


@dataclass(frozen=True, kw_only=True)
class Day:
    """A day of a laboratory, told by the half-hour from its opening; the default is an ordinary busy morning."""

    #: Seconds after midnight.
    opens: float = 7.5 * 3600
    #: Walk-ins expected in each half-hour.
    walk_ins: tuple[float, ...] = (16.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 4.0, 3.0)
    #: Appointments given in each half-hour, at even distances.
    booked: tuple[int, ...] = (6, 6, 6, 6, 6, 6, 4, 4, 0)
    #: Open counters and rooms in each half-hour; the last figure holds until everyone is served.
    counters: tuple[int, ...] = (3,)
    rooms: tuple[int, ...] = (4,)
    laws: Laws = field(default_factory=Laws)

    @property
    def closes(self) -> float:
        """When nobody comes any more, in seconds after midnight."""
        return self.opens + HALF_HOUR * max(len(self.walk_ins), len(self.booked))

    def shifts(self) -> list[Shift]:
        """Who is open when; a list that ends early goes on with its last figure."""
        changes = range(max(len(self.counters), len(self.rooms)))
        return [
            Shift(
                at=self.opens + HALF_HOUR * nth if nth else 0.0,
                counters=self.counters[min(nth, len(self.counters) - 1)],
                rooms=self.rooms[min(nth, len(self.rooms) - 1)],
            )
            for nth in changes
        ]

    def hours(self) -> list[float]:
        """The hour of every appointment."""
        return [
            self.opens + HALF_HOUR * (nth + slot / slots)
            for nth, slots in enumerate(self.booked)
            for slot in range(slots)
        ]

    def load(self) -> float:
        """The work that the counters are asked for until the closing, over what they can do in that time."""
        people = sum(self.walk_ins)
        laws, kept = self.laws, sum(self.booked) * (1 - self.laws.no_show)
        work = people * laws.collects * laws.short.mean + (people * (1 - laws.collects) + kept) * laws.counter.mean
        halves = max(len(self.walk_ins), len(self.booked))
        open_minutes = 30 * sum(self.counters[min(nth, len(self.counters) - 1)] for nth in range(halves))
        return work / open_minutes


def people_of(day: Day, dice: Random) -> list[Person]:
    """The people of one such day, in the order in which they arrive; nobody comes before the doors open."""
    drawn: list[tuple[float, float | None]] = []
    for nth, expected in enumerate(day.walk_ins):
        drawn += [(day.opens + HALF_HOUR * (nth + dice.random()), None) for _ in range(_poisson(expected, dice))]
    for hour in day.hours():
        late = 60 * dice.gauss(day.laws.late_mean, day.laws.late_deviation)
        if dice.random() >= day.laws.no_show:
            drawn.append((max(day.opens, hour + late), hour))
    return [_person(number, *one, day, dice) for number, one in enumerate(sorted(drawn, key=lambda one: one[0]), 1)]


def _person(number: int, arrived: float, hour: float | None, day: Day, dice: Random) -> Person:
    collects = dice.random() < day.laws.collects and hour is None
    service = day.laws.short if collects else day.laws.counter
    return Person(
        number=number,
        arrived=arrived,
        booked_for=hour,
        urgent=dice.random() < day.laws.urgent and hour is None,
        needs_help=dice.random() < day.laws.needs_help and hour is None,
        collects=collects,
        counter=60 * service.draw(dice),
        room=0.0 if collects else 60 * day.laws.sampling.draw(dice),
    )


def _poisson(expected: float, dice: Random) -> int:
    """How many come when so many are expected (Knuth's product of uniform draws)."""
    limit, product, come = exp(-expected), dice.random(), 0
    while product > limit:
        product *= dice.random()
        come += 1
    return come
