"""People in a line on one morning, drawn at random, for the properties that make it fair."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from kiosk.line.order import Ranked, rank
from kiosk.line.policy import Policy, Standing, Waiting, standing_of

OPENING = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
NOON = OPENING + timedelta(hours=5)
POLICY = Policy()
#: Seconds of a morning; whole tens of seconds, as arrivals at a kiosk are.
MOMENTS = st.integers(0, 5 * 360).map(lambda tens: OPENING + timedelta(seconds=10 * tens))
MINUTES = st.integers(0, 120).map(lambda minutes: timedelta(minutes=minutes))


def hour(at: datetime) -> str:
    return f"{at:%H:%M}"


def numbered(people: list[Waiting]) -> list[Waiting]:
    """The same people, with the numbers that the ticket printer gave them."""
    return [
        Waiting(
            id=UUID(int=n), number=n, arrived_at=one.arrived_at, booked_for=one.booked_for,
            urgent_because=one.urgent_because, needs_help=one.needs_help, collects=one.collects,
        )
        for n, one in enumerate(people, 1)
    ]  # fmt: skip


PERSON = st.builds(
    Waiting,
    id=st.just(UUID(int=0)),
    number=st.just(0),
    arrived_at=MOMENTS,
    booked_for=st.none() | MOMENTS,
    urgent_because=st.sampled_from([None, None, None, "glycémie"]),
    needs_help=st.booleans(),
    collects=st.booleans(),
)
LINE = st.lists(PERSON, max_size=25).map(numbered)


def places(line: list[Waiting], at: datetime = NOON) -> list[Ranked]:
    return rank(line, at, POLICY, hour=hour)


def walk_in(number: int, arrived_at: datetime) -> Waiting:
    return Waiting(id=UUID(int=number), number=number, arrived_at=arrived_at)


def booked(number: int, arrived_at: datetime, booked_for: datetime) -> Waiting:
    return Waiting(id=UUID(int=number), number=number, arrived_at=arrived_at, booked_for=booked_for)


def standing_of_walk_in(number: int, arrived_at: datetime) -> Standing:
    return standing_of(walk_in(number, arrived_at), POLICY)
