"""A day of the line is played under our rules and under others."""

import sys
from pathlib import Path

import click

from kiosk.register import clock
from kiosk.register.sites import this_site
from results.upkeep import founding


@click.command("simulate")
@click.option("--config", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Le jour à jouer, TOML.")
@click.option("--from-history", is_flag=True, help="Le jour moyen des quatre dernières semaines du laboratoire.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Tables et graphiques.")
@click.option("--days", type=click.IntRange(1, 10_000), default=200, show_default=True, help="Jours joués.")
@click.option("--seed", type=int, default=1, show_default=True, help="Les mêmes personnes pour le même nombre.")
@click.pass_obj
def simulate_command(instance: Path, config: Path | None, from_history: bool, out: Path, days: int, seed: int) -> None:
    """Joue un jour de la file, sous nos règles et sous d'autres ; écrit tables et graphiques.

    Exemple : etiquette simulate --config trois-secretaires.toml --out simulation
    """
    from results.upkeep.simulation.plan import BadPlan, Plan, plan_of_history, read_plan  # noqa: PLC0415  # only this command pays for loading them
    from results.upkeep.simulation.simulate import WAYS, simulate  # noqa: PLC0415

    if config and from_history:
        raise click.UsageError("--config et --from-history ne vont pas ensemble.")
    try:
        plan = read_plan(config) if config else Plan()
        if from_history:
            with founding.opened_instance(instance) as database, database.reading() as db:
                plan = plan_of_history(db, this_site(db), at=clock.now())
    except BadPlan as bad:
        click.echo(str(bad), err=True)
        sys.exit(2)
    with click.progressbar(length=days * WAYS, label="Jours joués", file=sys.stderr) as bar:
        simulate(plan, out, days=days, seed=seed, progress=lambda: bar.update(1), say=click.echo)
