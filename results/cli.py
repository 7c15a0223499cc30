"""The command `etiquette`: it founds, serves, checks and rehearses a laboratory."""

import json
import os
import signal
import sys
from collections import Counter
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import click

from kiosk.register import clock
from kiosk.register.database import OtherTables
from kiosk.register.errors import Refusal
from kiosk.register.sites import this_site
from kiosk.settings import StaffSettings, UnsafeSettings, read_settings
from printers.errors import PrinterError
from printers.station.keys import make_station_key
from results.exchange.intake import take
from results.matrix import in_force
from results.upkeep import demonstration, founding, interview, keeping, screens, supervise
from results.upkeep import rehearse as rehearsal
from results.upkeep import tubes as tube_table
from results.upkeep.check import check as look
from results.upkeep.check import check_keys as check_key_folders
from results.upkeep.schema import migrate
from results.vault.keys import ExchangeKeys, KeyRing


class Words(click.Group):
    """A group whose refusals are one sentence on the terminal, never a traceback."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take `--instance DIR` wherever it stands: people write it after the command as often as before."""
        told: list[str] = []
        rest: list[str] = []
        words = iter(args)
        for word in words:
            if word == "--":
                rest += [word, *words]
            elif word == "--instance" or word.startswith("--instance="):
                told += [word, *islice(words, 0 if "=" in word else 1)]
            else:
                rest.append(word)
        return super().parse_args(ctx, told + rest)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; say a refusal in words and exit with 1."""
        try:
            return super().invoke(ctx)
        except Refusal as refused:
            raise click.ClickException(refused.sentence) from None
        except (UnsafeSettings, OtherTables, PrinterError, supervise.PortTaken) as refused:
            raise click.ClickException(str(refused)) from None


@click.group(cls=Words, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--instance", type=click.Path(path_type=Path, file_okay=False), default=Path("instance"), show_default=True,
    envvar="ETIQUETTE_INSTANCE", help="Dossier du laboratoire.",
)  # fmt: skip
@click.pass_context
def main(context: click.Context, instance: Path) -> None:
    """Étiquette : l'accueil d'un laboratoire d'analyses médicales."""
    context.obj = instance.resolve()


@main.command()
@click.option("--public-port", default=8000, show_default=True, help="Port de la borne et de l'écran.")
@click.option("--staff-port", default=8001, show_default=True, help="Port des écrans du personnel.")
@click.option("--paper-port", default=8002, show_default=True, help="Démonstration : page où l'on voit le papier.")
@click.option("--demo", is_flag=True, help="Sur un dossier vide, installe un laboratoire de démonstration.")
@click.pass_obj
def serve(instance: Path, public_port: int, staff_port: int, paper_port: int, demo: bool) -> None:
    """Lance tous les programmes, les relance s'ils tombent, les arrête proprement.

    Exemple : etiquette serve --public-port 8000 --staff-port 8001
    """
    if demo and not (instance / "staff.toml").exists():
        with founding.whole_or_nothing(instance):
            made = demonstration.found(instance, station=_station(instance), at=clock.now(), chance=clock.chance)
        click.echo(demonstration.welcome(made))
    stops = [finding.sentence for finding in look(instance) if finding.stops]
    if stops:
        raise click.ClickException("\n".join(stops))
    paired, pcs = screens.listeners(instance)
    programmes = supervise.programmes(
        instance, public_port=public_port, staff_port=staff_port, screens=paired, pcs=pcs
    )  # fmt: skip
    programmes += demonstration.fake_printers(instance, paper_port=paper_port)
    supervise.refuse_taken_ports(programmes)
    click.echo(f"Borne et écran : http://localhost:{public_port}/   écran : http://localhost:{public_port}/board")
    click.echo(f"Personnel      : http://localhost:{staff_port}/")
    if demonstration.is_one(instance):
        click.echo(f"Le papier      : http://localhost:{paper_port}/")
        click.echo("Les codes du moment : etiquette demo codes")
    os.environ.update(ETIQUETTE_INSTANCE=str(instance), PYTHONUNBUFFERED="1")
    supervise.become_supervisor(programmes)


def _station(instance: Path) -> str:
    founding.make_folders(instance)
    return str(make_station_key(instance / "station.key", clock.chance))


@main.command("check")
@click.pass_obj
def check_command(instance: Path) -> None:
    """Dit ce qui ne va pas, en une phrase chacun ; 0 si tout va bien, 1 sinon."""
    findings = look(instance)
    for finding in findings:
        click.echo(("À corriger : " if finding.stops else "Attention : ") + finding.sentence)
    if findings:
        sys.exit(1)
    click.echo("Tout va bien.")


@main.group()
def db() -> None:
    """Les tables du laboratoire."""


@db.command()
@click.pass_obj
def upgrade(instance: Path) -> None:
    """Met les tables à la version du programme."""
    read_settings(instance / "staff.toml", StaffSettings)
    founding.require_files(instance)
    migrate(str(instance / founding.REGISTER), str(instance / founding.RESULTS))
    click.echo("Les tables sont à jour.")


@main.group()
def demo() -> None:
    """Le laboratoire de démonstration."""


@demo.command()
@click.pass_obj
def codes(instance: Path) -> None:
    """Montre les identifiants et les codes à six chiffres du moment."""
    click.echo(demonstration.codes(instance, at=clock.now()))


@demo.command()
@click.pass_obj
def lis(instance: Path) -> None:
    """Joue le système du laboratoire : répond à chaque tube prélevé aujourd'hui."""
    taken = demonstration.play_laboratory(instance, at=clock.now(), chance=clock.chance)
    click.echo(f"{taken.read} réponses : {taken.matched} rattachées, {taken.duplicate} déjà connues.")


@main.command()
@click.pass_obj
def init(instance: Path) -> None:
    """Installe un vrai laboratoire : questions, clés, premières personnes.

    Exemple : etiquette --instance /srv/etiquette init
    """
    interview.found(instance, make_station=lambda: _station(instance), now=clock.now, chance=clock.chance)


@main.command()
@click.option("--results", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Messages HL7.")
@click.option("--url", help="Borne d'une démonstration qui tourne ; sinon, un laboratoire temporaire.")
@click.option("--staff-url", help="Personnel de cette démonstration.")
@click.option("--json", "as_json", is_flag=True, help="Les étapes, pour une machine.")
@click.pass_obj
def rehearse(instance: Path, file: Path | None, url: str | None, staff_url: str | None, as_json: bool) -> None:
    """Joue la matinée : de la porte au téléphone, et dit si chaque étape tient.

    Exemple : etiquette rehearse --json
    """
    walked: list[rehearsal.Step] = []

    def tell(step: rehearsal.Step) -> None:
        walked.append(step)
        if not as_json:
            click.echo(f"{'✔' if step.ok else '✘'} {step.seconds:6.2f} s  {step.name} : {step.words}")

    if (url is None) != (staff_url is None):
        raise click.UsageError("--url et --staff-url vont ensemble.")
    if url and staff_url:
        held = rehearsal.rehearse(
            rehearsal.Place(instance=instance, public=url, staff=staff_url), results=file, tell=tell
        )
    else:
        held = rehearsal.rehearse_apart(results=file, tell=tell)
    if as_json:
        click.echo(json.dumps({"ok": held, "steps": [asdict(step) for step in walked]}, ensure_ascii=False))
    else:
        click.echo("Tout tient." if held else "La répétition s'est arrêtée : voir la dernière ligne.")
    sys.exit(0 if held else 1)


@main.command("bench")
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
    from results.upkeep.bench.beside.against_fqm import AGAINST_FQM  # noqa: PLC0415  # as below
    from results.upkeep.bench.beside.fqm import checkout  # noqa: PLC0415
    from results.upkeep.bench.beside.last_board import LAST_BOARD  # noqa: PLC0415
    from results.upkeep.bench.boards import BOARDS_TOGETHER  # noqa: PLC0415  # only this command pays for loading it
    from results.upkeep.bench.codes import CODES  # noqa: PLC0415
    from results.upkeep.bench.drawn import DRAWN  # noqa: PLC0415
    from results.upkeep.bench.foretold import FORETOLD  # noqa: PLC0415
    from results.upkeep.bench.growth import GROWTH  # noqa: PLC0415
    from results.upkeep.bench.line import LINE  # noqa: PLC0415  # only this command pays for loading it
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
            anyway=anyway, make_station=_station, now=clock.now, chance=clock.chance, say=click.echo, fqm=fqm,
        )
    )  # fmt: skip


@main.command("simulate")
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
    from results.upkeep.simulation.plan import BadPlan, Plan, plan_of_history, read_plan  # noqa: PLC0415  # as above
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


@main.group()
def staff() -> None:
    """Les comptes du personnel."""


@staff.command("add")
@click.argument("login")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, help="secretary, sampler, biologist, manager…")
@click.pass_obj
def add(instance: Path, login: str, name: str, roles: tuple[str, ...]) -> None:
    """Crée un compte ; un biologiste présent signe ses rôles avec sa phrase.

    Exemple : etiquette staff add nadia "Nadia Benali" --role secretary
    """
    interview.add_person(instance, login, name, roles, now=clock.now, chance=clock.chance)


@staff.command("disable")
@click.argument("login")
@click.pass_obj
def disable(instance: Path, login: str) -> None:
    """Ferme un compte à l'instant même."""
    interview.close_account(instance, login, now=clock.now, chance=clock.chance)


@staff.command("reset-totp")
@click.argument("login")
@click.pass_obj
def reset_totp(instance: Path, login: str) -> None:
    """Retire les preuves d'un compte, à deux ; la personne en choisit d'autres, sur place.

    Exemple : etiquette staff reset-totp nadia
    """
    interview.reset_proofs(instance, login, now=clock.now, chance=clock.chance)


@main.group()
def kiosk() -> None:
    """Les bornes et les écrans : appairés un par un, retirés à l'instant."""


@kiosk.command("pair")
@click.argument("name")
@click.option("--board", is_flag=True, help="Un écran de la salle d'attente, et non une borne.")
@click.pass_obj
def pair_kiosk(instance: Path, name: str, *, board: bool) -> None:
    """Donne le code, valable un quart d'heure, que l'on tape une fois sur l'écran à appairer.

    Exemple : etiquette kiosk pair "Borne 1"
    """
    screens.pair(instance, name, board=board, at=clock.now(), chance=clock.chance, say=click.echo)


@kiosk.command("list")
@click.pass_obj
def list_kiosks(instance: Path) -> None:
    """Montre les bornes et écrans de ce laboratoire.

    Exemple : etiquette kiosk list
    """
    screens.tell(instance, at=clock.now(), say=click.echo)


@kiosk.command("revoke")
@click.argument("name")
@click.pass_obj
def revoke_kiosk(instance: Path, name: str) -> None:
    """Retire un écran à l'instant même ; il n'ouvre plus rien.

    Exemple : etiquette kiosk revoke "Borne 1"
    """
    screens.revoke(instance, name, at=clock.now(), chance=clock.chance, say=click.echo)


@main.group()
def results() -> None:
    """Les résultats du système du laboratoire."""


@results.command("receive")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Les comptes seuls, pour une machine.")
@click.pass_obj
def receive(instance: Path, files: tuple[Path, ...], as_json: bool) -> None:
    """Prend des messages HL7 ORU^R01 ; n'en perd aucun.

    Exemple : etiquette results receive /depot/*.hl7 --json
    """
    for file in files:
        _look_at(file)
    settings = read_settings(instance / "staff.toml", StaffSettings)
    with founding.opened_instance(instance) as database:
        taken = take(
            database, (file.read_bytes() for file in files), keys=KeyRing.load(instance / settings.keys),
            exchange_keys=ExchangeKeys.load(instance / settings.keys_exchange),
            is_production=not settings.demonstration, at=clock.now(), chance=clock.chance,
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps(taken.counts()))
        return
    tally = taken.tally
    click.echo(f"{tally.read} lus : {tally.stored} gardés, {tally.duplicate} déjà connus, {tally.refused} refusés.")
    click.echo(f"{tally.stored} gardés : {tally.matched} rattachés, {tally.quarantined} en attente d'une personne.")
    for reason, count in Counter(taken.reasons).most_common():
        click.echo(f"  {count} × {reason}")


def _look_at(file: Path) -> None:
    """Refuse in words what is no readable file, before any of them is taken in."""
    if not file.exists():
        raise click.ClickException(f"{file} n'existe pas. Aucun fichier n'a été pris.")
    if not file.is_file():
        raise click.ClickException(f"{file} n'est pas un fichier. Aucun fichier n'a été pris.")
    if not os.access(file, os.R_OK):
        raise click.ClickException(f"{file} n'est pas lisible d'ici. Aucun fichier n'a été pris.")


main.add_command(keeping.journal_group)
main.add_command(keeping.purge_command)


@main.group()
def matrix() -> None:
    """Qui peut dire quoi, à qui : la table signée."""


@matrix.command("show")
@click.pass_obj
def show(instance: Path) -> None:
    """Montre la table en vigueur."""
    settings = read_settings(instance / "staff.toml", StaffSettings)
    with founding.opened_instance(instance) as database, database.reading() as db:
        found = in_force(db, KeyRing.load(instance / settings.keys), clock.now())
    if found is None:
        raise click.ClickException("Aucune table signée n'est en vigueur : rien ne peut être rendu.")
    click.echo(f"Table n° {found.version}")
    for (release_class, channel, person), teller in found.routes.items():
        click.echo(f"  {release_class}  {channel:<12} {person:<14} {teller}")


@matrix.command("sign")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def sign_matrix(instance: Path, file: Path) -> None:
    """Signe une nouvelle table ; demande la phrase du biologiste.

    Exemple : etiquette matrix sign table.json
    """
    interview.sign_new_matrix(instance, file, now=clock.now, chance=clock.chance)


@main.group()
def tubes() -> None:
    """La table des tubes, [tubes] de staff.toml : « non validée » tant qu'un biologiste ne l'a pas signée."""


@tubes.command("show")
@click.pass_obj
def show_tubes(instance: Path) -> None:
    """Montre la table des tubes dans l'ordre de prélèvement, et si elle est signée."""
    tube_table.show_tubes(instance)


@tubes.command("sign")
@click.pass_obj
def sign_tubes(instance: Path) -> None:
    """Signe la table telle qu'elle est dans staff.toml ; demande la phrase du biologiste.

    Exemple : etiquette tubes sign
    """
    tube_table.sign_tubes(instance, now=clock.now, chance=clock.chance)


@main.group()
def keys() -> None:
    """Les clés du laboratoire."""


@keys.command("check")
@click.pass_obj
def check_keys(instance: Path) -> None:
    """Vérifie les clés : droits, propriétaire, contenu, et ce qui manque après une arrivée ou un départ."""
    missing = check_key_folders(instance)
    for sentence in missing:
        click.echo("À faire : " + sentence)
    if missing:
        sys.exit(1)
    click.echo("Les clés sont en ordre.")


@keys.command("add")
@click.argument("login")
@click.pass_obj
def add_keys(instance: Path, login: str) -> None:
    """Fait les clés d'un autre biologiste, qui choisit sa phrase ; un biologiste présent signe.

    Exemple : etiquette keys add aubry
    """
    interview.add_biologist(instance, login, now=clock.now, chance=clock.chance)


keys.add_command(keeping.rotate_command)


@keys.command("make")
@click.argument("person")
@click.pass_obj
def make(instance: Path, person: str) -> None:
    """Fait les premières clés, en présence du biologiste, qui choisit sa phrase.

    Exemple : etiquette keys make lenoir
    """
    interview.make_first_keys(instance, person, chance=clock.chance)


if __name__ == "__main__":
    main()
