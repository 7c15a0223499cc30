"""The house is measured beside the barest programme that does the same."""

import signal
import sys
from pathlib import Path

import click

from kiosk.register import clock
from results.commands.install import station_in


@click.command("bench")
@click.option("--only", multiple=True, metavar="NOM|GROUPE", help="Mesures ou groupes ; sans rien, tout.")
@click.argument("more", nargs=-1, metavar="[NOM|GROUPE]...")
@click.option("--rounds", type=click.IntRange(1, 100), default=10, show_default=True, help="Tours de chaque mesure.")
@click.option("--engine", type=click.Choice(["sqlite", "postgresql", "both"]), default="both", show_default=True)
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Écrit les lignes.")
@click.option("--anyway", is_flag=True, help="Mesure même si quelqu'un est arrivé il y a moins d'une heure.")
@click.option(
    "--fqm", type=click.Path(path_type=Path, file_okay=False),
    help="Un dossier de github.com/mrf345/FQM avec son .venv, mesuré à côté.",
)  # fmt: skip
@click.pass_obj
def bench_command(
    instance: Path, only: tuple[str, ...], more: tuple[str, ...], rounds: int, engine: str, json_file: Path | None,
    anyway: bool, fqm: Path | None,
) -> None:  # fmt: skip
    """Mesure la vitesse, en rapports avec le programme le plus nu ; 0 tenu, 1 manqué, 2 pas pu.

    Exemple : etiquette bench --only line paper --json mesures.json
    """
    # Only this command pays for loading the measures.
    from results.upkeep.bench.beside.against_fqm import AGAINST_FQM  # noqa: PLC0415
    from results.upkeep.bench.beside.fqm import checkout  # noqa: PLC0415
    from results.upkeep.bench.beside.last_board import LAST_BOARD  # noqa: PLC0415
    from results.upkeep.bench.boards import BOARDS_TOGETHER  # noqa: PLC0415
    from results.upkeep.bench.codes import CODES  # noqa: PLC0415
    from results.upkeep.bench.drawn import DRAWN  # noqa: PLC0415
    from results.upkeep.bench.foretold import FORETOLD  # noqa: PLC0415
    from results.upkeep.bench.growth import GROWTH  # noqa: PLC0415
    from results.upkeep.bench.line import LINE  # noqa: PLC0415
    from results.upkeep.bench.rounds import LATER, Unready, bench  # noqa: PLC0415
    from results.upkeep.bench.served import SERVED  # noqa: PLC0415

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # what was started and made is taken away
    names = [name for said in (*only, *more) for name in said.replace(",", " ").split()]
    try:
        if fqm is not None:
            checkout(fqm)
    except Unready as unready:
        click.echo(f"La mesure n'a pas pu se faire : {unready}")
        sys.exit(2)
    sys.exit(
        bench(
            (*LINE, GROWTH, *SERVED, *CODES, *DRAWN, BOARDS_TOGETHER, LAST_BOARD, *FORETOLD, *AGAINST_FQM, *LATER),
            instance, only=names, rounds=rounds, engine=engine, json_file=json_file,  # type: ignore[arg-type]  # click's choice
            anyway=anyway, make_station=station_in, now=clock.now, chance=clock.chance, say=click.echo, fqm=fqm,
        )
    )  # fmt: skip
