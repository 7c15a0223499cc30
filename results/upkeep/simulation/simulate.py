"""The command that plays many mornings under every way to call, and leaves tables and charts in a folder."""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final

from kiosk.line.day import HALF_HOUR, people_of
from kiosk.line.disciplines import disciplines
from kiosk.line.figures import Figures, figures, through_the_day
from kiosk.line.policy import LineClass, Policy
from kiosk.line.score import Score, score
from kiosk.line.simulation import Person, run
from kiosk.line.study import study
from results.upkeep.simulation.charts import Chart, draw
from results.upkeep.simulation.plan import Plan

#: Mornings on which the estimate learns, and on which it is tried.
LEARNT, TRIED = 5, 3
#: How many ways to call are compared.
WAYS: Final = len(disciplines(Policy()))
CLASSES: Final = {
    LineClass.URGENT: "urgence", LineClass.BOOKED: "rendez-vous", LineClass.HELP: "aide",
    LineClass.WALK_IN: "sans rendez-vous", LineClass.COLLECT: "résultat, flacon",
}  # fmt: skip
#: The figures of a comparison: heading -> how it is read.
COLUMNS: Final[dict[str, Callable[[Figures], float]]] = {
    "RDV : retard > 10 min (%)": lambda one: 100 * one.booked_late,
    "RDV : moyenne": lambda one: _of(one, LineClass.BOOKED, "mean"),
    "RDV : 90 %": lambda one: _of(one, LineClass.BOOKED, "p90"),
    "sans RDV : moyenne": lambda one: _of(one, LineClass.WALK_IN, "mean"),
    "sans RDV : 90 %": lambda one: _of(one, LineClass.WALK_IN, "p90"),
    "sans RDV : 99 %": lambda one: _of(one, LineClass.WALK_IN, "p99"),
    "sans RDV : plus long": lambda one: _of(one, LineClass.WALK_IN, "longest"),
    "aide : 90 %": lambda one: _of(one, LineClass.HELP, "p90"),
    "urgence : 90 %": lambda one: _of(one, LineClass.URGENT, "p90"),
    "dépassements": lambda one: one.overtaken,
    "guichets libres (%)": lambda one: 100 * one.idle,
    "dépassement d'horaire": lambda one: one.overtime,
    "attente salle": lambda one: one.to_room,
}


def simulate(
    plan: Plan, out: Path, *, days: int, seed: int, progress: Callable[[], object], say: Callable[[str], None]
) -> None:
    """Play the same people under every way to call, and tell what each made of them.

    Args:
        out: the folder of the tables and charts, made when it is not there.
        days: how many; the same people come under every way to call.
        progress: called after each morning of each way to call.
    """
    out.mkdir(parents=True, exist_ok=True)
    ways = disciplines(plan.policy)
    played: dict[str, list[Sequence[Person]]] = {name: [] for name in ways}
    for nth in range(days):
        for name, open_line in ways.items():
            dice = Random(f"{seed}/{nth}")  # noqa: S311  # a simulated morning, not a secret
            people = people_of(plan.day, dice)
            played[name].append(list(run(people, plan.day.shifts(), open_line, policy=plan.policy)))
            progress()
    told = {name: figures(many, plan.day, plan.policy) for name, many in played.items()}
    ours = next(iter(ways))
    dice = Random(seed)  # noqa: S311  # same
    found = score(study(plan.day, learning=LEARNT, mornings=TRIED, policy=plan.policy, dice=dice))
    _write(out / "comparaison.csv", [["règle", *COLUMNS], *[[n, *_row(one)] for n, one in told.items()]])
    through = through_the_day(played[ours], plan.day, plan.policy)
    hours = [_hour(plan.day.opens + HALF_HOUR * nth) for nth in range(len(next(iter(through.values()), [])))]
    _write(
        out / "journee.csv",
        [["demi-heure", *(CLASSES[one] for one in through)],
         *[[hour, *(_figure(values[nth]) for values in through.values())] for nth, hour in enumerate(hours)]],
    )  # fmt: skip
    _charts(out, told, through, hours)
    for line in _summary(plan, told, days, found):
        say(line)
    say(f"Tables et graphiques : {out}")


def _charts(out: Path, told: dict[str, Figures], through: dict[LineClass, list[float]], hours: Sequence[str]) -> None:
    draw(
        Chart(
            title="Attente au guichet selon l'heure d'arrivée (neuf personnes sur dix attendent moins)",
            unit="minutes", places=tuple(hours), series={CLASSES[one]: values for one, values in through.items()},
        ),
        out, "journee",
    )  # fmt: skip
    names = tuple(told)
    draw(
        Chart(
            title="Neuf personnes sur dix attendent moins de…", unit="minutes", places=names, bars=True,
            series={
                "rendez-vous": [_of(told[name], LineClass.BOOKED, "p90") for name in names],
                "sans rendez-vous": [_of(told[name], LineClass.WALK_IN, "p90") for name in names],
            },
        ),
        out, "comparaison",
    )  # fmt: skip
    draw(
        Chart(
            title="Rendez-vous appelés avec plus de dix minutes de retard", unit="%", places=names, bars=True,
            series={"rendez-vous": [100 * told[name].booked_late for name in names]},
        ),
        out, "retards",
    )  # fmt: skip


def _summary(plan: Plan, told: dict[str, Figures], days: int, found: Score | None) -> list[str]:
    first = next(iter(told.values()))
    people = sum(one.people for one in first.waits.values())
    lines = [
        "",
        f"{days} jours, {people / days:.0f} personnes par jour, charge des guichets {100 * plan.day.load():.0f} %.",
        "Les mêmes personnes arrivent sous chaque règle. Attentes en minutes.",
        "",
        f"{'règle':<20}{'RDV > 10 min':>14}{'RDV 90 %':>10}{'sans RDV 90 %':>15}{'99 %':>7}{'max':>6}{'dépassés':>10}",
    ]
    lines += [
        f"{name:<20}{100 * one.booked_late:>12.1f} %{_of(one, LineClass.BOOKED, 'p90'):>10.0f}"
        f"{_of(one, LineClass.WALK_IN, 'p90'):>15.0f}{_of(one, LineClass.WALK_IN, 'p99'):>7.0f}"
        f"{_of(one, LineClass.WALK_IN, 'longest'):>6.0f}{one.overtaken:>10.1f}"
        for name, one in told.items()
    ]
    lines += ["", f"Guichets libres {100 * first.idle:.0f} % du temps ; dernier appel {first.overtime:.0f} min après."]
    if found is not None:
        lines.append(
            f"Estimation, lois apprises : {100 * found.coverage:.0f} % attendent moins que le haut de la fourchette, "
            f"erreur moyenne {found.error:.1f} min, {100 * found.resented:.0f} % attendent 5 min de plus qu'annoncé."
        )
    return lines


def _row(one: Figures) -> list[str]:
    return [_figure(read(one)) for read in COLUMNS.values()]


def _of(one: Figures, line_class: LineClass, figure: str) -> float:
    waits = one.waits.get(line_class)
    return float(getattr(waits, figure)) if waits is not None else 0.0


def _figure(value: float) -> str:
    return f"{value:.1f}".replace(".", ",")


def _hour(seconds: float) -> str:
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d}"


def _write(file: Path, rows: Sequence[Sequence[str]]) -> None:
    """A table as French spreadsheets open it: semicolons, decimal commas, a byte-order mark."""
    file.write_text("\n".join(";".join(row) for row in rows) + "\n", encoding="utf-8-sig")
