"""Other ways to call a line, to be compared with ours on the same people; none is used at a counter."""

from collections.abc import Callable
from heapq import heappop, heappush

from kiosk.line.order import Line
from kiosk.line.policy import LineClass, Policy, Standing
from kiosk.line.simulation import Discipline, Person


class Sorted:
    """A line whose order is one key, fixed at the arrival."""

    def __init__(self, key: Callable[[Standing], tuple[float, ...]]) -> None:
        self._key = key
        self._heap: list[tuple[tuple[float, ...], int, Person]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def join(self, standing: Standing, person: Person) -> None:
        """Stand in the line."""
        heappush(self._heap, (self._key(standing), standing.number, person))

    def call(self, at: float) -> Person:  # noqa: ARG002  # the hour changes nothing here
        """Take the first out of the line."""
        return heappop(self._heap)[2]


class EAppointment:
    """The rule of it-at-m/eappointment (`QueueList`, read in November 2026), without its estimate.

    Two lists by hour, an appointment's hour being the one it is for. A walk-in of the first priority goes first; one
    of the second goes before an appointment whose hour is later than its arrival; an appointment is due two minutes
    before its hour; otherwise the next walk-in goes, and an appointment that is not due only where nobody else waits.
    """

    DUE = 120.0

    def __init__(self) -> None:
        self._booked: list[tuple[float, int, Person]] = []
        self._walk_ins: list[tuple[int, float, int, Person]] = []

    def __len__(self) -> int:
        return len(self._booked) + len(self._walk_ins)

    def join(self, standing: Standing, person: Person) -> None:
        """Stand in one of the two lists."""
        if standing.line_class is LineClass.BOOKED and person.booked_for is not None:
            heappush(self._booked, (person.booked_for, standing.number, person))
            return
        priority = {LineClass.URGENT: 1, LineClass.HELP: 2}.get(standing.line_class, 3)
        heappush(self._walk_ins, (priority, standing.arrived, standing.number, person))

    def call(self, at: float) -> Person:
        """Take whoever the rule names out of the line."""
        if self._booked and self._walk_ins:
            hour, (priority, arrived, _, _) = self._booked[0][0], self._walk_ins[0]
            before = priority == 1 or (priority == 2 and arrived < hour) or at + self.DUE < hour
            return heappop(self._walk_ins)[3] if before else heappop(self._booked)[2]
        return heappop(self._walk_ins)[3] if self._walk_ins else heappop(self._booked)[2]


#: Classes before which others go, the highest first, where priority is strict.
_STRICT = {LineClass.URGENT: 0.0, LineClass.BOOKED: 1.0}
#: Weights that stand for a set of priorities in OpenMRS's queue module: sorted by weight, then by arrival.
_WEIGHTS = {LineClass.URGENT: 3.0, LineClass.HELP: 2.0, LineClass.BOOKED: 1.0}


def disciplines(policy: Policy) -> dict[str, Callable[[], Discipline]]:
    """Every way to call, by the name that the table shows; ours first."""
    return {
        "Étiquette": lambda: Line(policy),
        "premier arrivé": lambda: Sorted(lambda one: (one.arrived,)),
        "rendez-vous d'abord": lambda: Sorted(lambda one: (_STRICT.get(one.line_class, 2.0), one.since)),
        "eappointment": EAppointment,
        "OpenMRS (poids)": lambda: Sorted(lambda one: (-_WEIGHTS.get(one.line_class, 0.0), one.arrived)),
    }
