"""What is to be simulated, read from a file or learnt from the laboratory's own past days."""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from math import ceil, floor
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from sqlalchemy.orm import Session

from kiosk.counter.history import laws_today, moves_on
from kiosk.line.day import HALF_HOUR, Day
from kiosk.line.laws import Laws, Service
from kiosk.line.policy import Policy
from kiosk.register import clock
from kiosk.register.sites import Site
from kiosk.register.visits import Stage, Visit, visit_of
from kiosk.waiting import CALLS

#: Past weeks that make a plan, and the fewest days in which somebody came.
WEEKS: Final = timedelta(days=28)
FEWEST: Final = 3
#: How many people or desks a figure may reach, so that a slip of the hand does not run for ever.
MOST: Final = 500

#: Figures of the file that are read as they stand: name in the file -> name in the day.
_LISTS: Final = {"walk_ins": float, "booked": int, "counters": int, "rooms": int}
_SERVICES: Final = ("counter", "short", "sampling")


class BadPlan(Exception):  # noqa: N818  # an answer for a person
    """The plan cannot be simulated; the sentence says which figure, and why."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A day to be simulated and the policy under which it is called."""

    day: Day = field(default_factory=Day)
    policy: Policy = field(default_factory=Policy)


def read_plan(file: Path) -> Plan:
    """Read a plan; what it does not say is the default day's.

    Raises:
        BadPlan: the file is no TOML, or holds an unknown or impossible figure.
    """
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as broken:
        raise BadPlan(f"{file.name} : {broken}") from None
    _only(told, {"opens", "policy", "laws", *_LISTS}, "")
    lists: dict[str, Any] = {
        name: tuple(_figures(name, told[name], kind)) for name, kind in _LISTS.items() if name in told
    }
    if 0 in lists.get("counters", ()):
        raise BadPlan("« counters » : il faut au moins un guichet ouvert à chaque demi-heure.")
    if 0 in lists.get("rooms", ()):
        raise BadPlan("« rooms » : il faut au moins une salle ouverte à chaque demi-heure.")
    day = replace(Day(), laws=_laws(told.get("laws", {})), **lists)
    if "opens" in told:
        day = replace(day, opens=_hour(told["opens"]))
    return Plan(day=day, policy=_policy(told.get("policy", {})))


def plan_of_history(db: Session, site: Site, *, at: datetime) -> Plan:
    """The laboratory's average working day of the last four weeks, by the half-hour of its wall clock.

    Raises:
        BadPlan: it has too few days behind it.
    """
    today = clock.day(site.timezone, at)
    moves = moves_on(db, site, today - WEEKS, today)
    arrivals = [visit_of(db, one.visit_id) for one in moves if one.verb == "arrive"]
    days = {one.day for one in arrivals}
    if len(days) < FEWEST:
        raise BadPlan(f"Il faut au moins {FEWEST} jours d'activité dans les quatre dernières semaines.")
    opens = site.opens.hour * 3600 + site.opens.minute * 60
    closes = site.closes.hour * 3600 + site.closes.minute * 60
    halves = max(1, ceil((closes - opens) / HALF_HOUR))

    def half(moment: datetime) -> int:
        wall = clock.local(site.timezone, moment)
        seconds = wall.hour * 3600 + wall.minute * 60 + wall.second
        return min(halves - 1, max(0, floor((seconds - opens) / HALF_HOUR)))

    calls = [(one.verb, one.desk or "", half(one.at), clock.day(site.timezone, one.at)) for one in moves]
    counters, rooms = (
        _open_desks([call for verb, *call in calls if verb == wanted]) for wanted in (CALLS[stage] for stage in Stage)
    )
    return Plan(
        day=Day(
            opens=float(opens),
            walk_ins=_each_day([half(one.arrived_at) for one in arrivals if one.booked_for is None], halves, days),
            booked=tuple(round(one) for one in _each_day(_booked(arrivals, half), halves, days)),
            counters=tuple(max(1, round(counters.get(nth, 1))) for nth in range(halves)),
            rooms=tuple(max(1, round(rooms.get(nth, 1))) for nth in range(halves)),
            laws=laws_today(db, site, at=at),
        ),
        policy=Policy(),
    )


def _booked(arrivals: Sequence[Visit], half: Any) -> list[int]:
    return [half(one.booked_for) for one in arrivals if one.booked_for is not None]


def _each_day(places: Sequence[int], halves: int, days: set[date]) -> tuple[float, ...]:
    counted = Counter(places)
    return tuple(counted[nth] / len(days) for nth in range(halves))


def _open_desks(calls: Sequence[Sequence[Any]]) -> dict[int, float]:
    """Half-hour -> how many desks called in it, on the days on which any did."""
    seen: dict[tuple[int, date], set[str]] = {}
    for desk, nth, day in calls:
        seen.setdefault((nth, day), set()).add(desk)
    found: dict[int, list[int]] = {}
    for (nth, _), desks in seen.items():
        found.setdefault(nth, []).append(len(desks))
    return {nth: fmean(counts) for nth, counts in found.items()}


def _only(told: Mapping[str, Any], known: set[str], where: str) -> None:
    if not isinstance(told, Mapping):
        raise BadPlan(f"{where}Une table de réglages est attendue ici.")
    if unknown := sorted(set(told) - known):
        raise BadPlan(f"{where}Réglage inconnu : « {unknown[0]} ». Connus : {', '.join(sorted(known))}.")


def _figures(name: str, told: Any, kind: type) -> Sequence[Any]:
    right = isinstance(told, list) and all(type(one) in {int, kind} and 0 <= one <= MOST for one in told)
    if not right or not told or len(told) > 48:
        raise BadPlan(f"« {name} » : une liste de 1 à 48 nombres de 0 à {MOST}, un par demi-heure.")
    return [kind(one) for one in told]


def _hour(told: Any) -> float:
    parts = told.split(":") if isinstance(told, str) else []
    if len(parts) != 2 or not all(one.isdigit() for one in parts) or int(parts[0]) > 23 or int(parts[1]) > 59:
        raise BadPlan('« opens » : une heure comme "07:30".')
    return float(int(parts[0]) * 3600 + int(parts[1]) * 60)


def _laws(told: Any) -> Laws:
    plain = {one.name for one in fields(Laws)} - set(_SERVICES)
    _only(told, plain | set(_SERVICES), "[laws] ")
    changed: dict[str, Any] = {}
    for name, value in told.items():
        if name in _SERVICES:
            _only(value, {"median", "sigma"}, f"[laws.{name}] ")
            law: Service = getattr(Laws(), name)
            changed[name] = Service(
                median=_number(f"{name}.median", value.get("median", law.median), 0.1),
                sigma=_number(f"{name}.sigma", value.get("sigma", law.sigma), 0.0, 3.0),
            )
        else:
            least = -120.0 if name == "late_mean" else 0.0
            most = 1.0 if name in {"no_show", "urgent", "needs_help", "collects"} else float(MOST)
            changed[name] = _number(name, value, least, most)
    return replace(Laws(), **changed)


def _policy(told: Any) -> Policy:
    minutes = {"head_start", "early", "on_time", "guard"}
    known = {one.name for one in fields(Policy)}
    _only(told, known, "[policy] ")
    changed: dict[str, Any] = {}
    for name, value in told.items():
        figure = _number(name, value, 0.0 if name in minutes | {"urgent_cap"} else 0.01)
        changed[name] = timedelta(minutes=figure) if name in minutes else figure
    return replace(Policy(), **changed)


def _number(name: str, told: Any, least: float, most: float = float(MOST)) -> float:
    if isinstance(told, bool) or not isinstance(told, (int, float)) or not least <= told <= most:
        raise BadPlan(f"« {name} » : un nombre de {least:g} à {most:g}.")
    return float(told)
