"""The command `python -m printers`: the print station, its jobs, a test page, and printers for demonstration."""

import argparse
import io
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from printers import settings
from printers.errors import CAUSES, PrinterError, UnknownJob, WrongSettings
from printers.fake.office import FakeOffice
from printers.fake.page import serve_page
from printers.fake.printer import FakePrinter
from printers.fake.zebra import FakeZebra
from printers.moves import State
from printers.notices import make_header, make_test_page
from printers.office.pages import draw_pages
from printers.office.pairing import pair_office
from printers.office.wire import fingerprint_of
from printers.office.worker import OfficeOwner
from printers.paper import At, Paper, Picture
from printers.rows import Proved
from printers.settings import Printer
from printers.spool import Spool
from printers.station.keys import load_station_key, make_station_key, station_id
from printers.station.owner import chance, now
from printers.station.pairing import pair
from printers.station.spool import StationSpool
from printers.station.worker import Station, hold_lock
from printers.verify import proved, read_symbols

_STATES = {
    State.QUEUED: "en attente",
    State.SENDING: "en cours d'envoi",
    State.SENT: "envoyée, sans preuve",
    State.CONFIRMED: "sortie",
    State.UNSURE: "à vérifier : est-elle sortie ?",
    State.HELD: "retenue",
    State.NOT_SENT: "pas envoyée, nouvel essai",
    State.VOID: "annulée",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; faults are told in words on the standard error, with status 1."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        status: int = options.run(options)
    except WrongSettings as fault:
        print(fault, file=sys.stderr)
    except PrinterError as fault:
        print(f"{fault.french} ({fault})", file=sys.stderr)
    except OSError as fault:
        print(f"{fault.filename or 'Réseau'} : {fault.strerror or fault}.", file=sys.stderr)
    else:
        return status
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m printers", description="Le papier entre, l'encre sort.")
    commands = parser.add_subparsers(required=True, metavar="commande")

    def command(name: str, run: object, words: str, *, instance: bool = True) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=words, description=words)
        added.set_defaults(run=run)
        if instance:
            added.add_argument("--instance", type=Path, default=Path("instance"), help="dossier de l'instance")
        return added

    command("station", _station, "le poste d'impression, seul à parler aux imprimantes")
    move = command("move", _move, "donner à une autre imprimante la suite d'une série, ce qui n'est jamais parti")
    move.add_argument("key", metavar="CLÉ", help="une impression de la série")
    move.add_argument("name", metavar="IMPRIMANTE")
    move.add_argument("--by", default="commande", help="qui le demande")
    command("jobs", _jobs, "ce qui est dans la file d'impression")
    put = command("put", _put, "mettre une image PNG dans la file, une seule fois par clé")
    put.add_argument("name", metavar="IMPRIMANTE")
    put.add_argument("file", metavar="FICHIER.png", type=Path)
    put.add_argument("--key", required=True, help="ce que c'est et quelle copie, par exemple affiche/1/1")
    pair = command("pair", _pair, "essayer une imprimante avec la personne qui est devant")
    pair.add_argument("name", metavar="IMPRIMANTE")
    pair.add_argument("--by", required=True, help="la personne qui est devant l'imprimante")
    shown = command(
        "fingerprint", _fingerprint, "l'empreinte du certificat que montre une imprimante de bureau", instance=False
    )
    shown.add_argument("address", metavar="ADRESSE", help="par exemple ipps://192.0.2.20/ipp/print")
    page = command("test-page", _test_page, "imprimer une page d'essai")
    page.add_argument("name", metavar="IMPRIMANTE")
    fake = command("fake", _fake, "des imprimantes de démonstration, qui se souviennent", instance=False)
    fake.add_argument(
        "--printer", action="append", default=[], metavar="NOM=PORT", help="une imprimante ; autant qu'il en faut"
    )
    fake.add_argument("--zpl", action="append", default=[], metavar="NOM=PORT", help="la même chose, une Zebra")
    fake.add_argument("--ipp", action="append", default=[], metavar="NOM=PORT", help="de même, une imprimante A4")
    fake.add_argument("--page-port", type=int, default=None, help="port de la page où l'on voit le papier")
    fake.add_argument(
        "--instance", type=Path, default=None, help="instance de démonstration qui les tient pour prouvées"
    )
    fake.add_argument("--out", type=Path, default=None, help="dossier où garder les papiers en PNG")
    return parser


def _cause(told: str) -> str:
    return CAUSES[told][0] if told in CAUSES else told


def _until_told() -> threading.Event:
    """An event that SIGTERM and Ctrl+C set: every programme of the house stops cleanly."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _station(options: argparse.Namespace) -> int:
    stop = _until_told()
    instance: Path = options.instance
    printers = settings.read(instance / "printers.toml")
    key_file = instance / "station.key"
    if not key_file.exists():
        told = make_station_key(key_file, chance)
        print(f'Clé de la station créée. À recopier dans les réglages des applications : station = "{told}"')
    lasting = load_station_key(key_file)
    with StationSpool(instance / "spool.sqlite", lasting.id) as spool:
        station = Station(printers, spool, lasting, lock=instance / "station.lock", owners={"ipp": OfficeOwner})
        print(f"Poste d'impression prêt : {', '.join(printers)}.", flush=True)
        station.run(stop)
    return 0


def _jobs(options: argparse.Namespace) -> int:
    with _spool(options.instance) as spool:
        for printer in spool.printers():
            cause = _cause(printer.cause)
            words = ["mise en pause"] * (printer.paused_at is not None) + ["prête"] * (printer.state == "ready")
            print(f"{printer.name} : {', '.join(words + [cause] * bool(cause))}")
        for job in spool.jobs():
            cause = f" ({_cause(job.cause)})" if job.cause and job.state is not State.CONFIRMED else ""
            print(f"{job.created:%Y-%m-%d %H:%M:%S} UTC  {job.printer:<10} {job.key:<32} {_STATES[job.state]}{cause}")
    return 0


def _move(options: argparse.Namespace) -> int:
    to = _known(options.instance, options.name)
    with _spool(options.instance) as spool:
        if (job := spool.job(options.key)) is None:
            raise UnknownJob(f"no job has the key {options.key}")
        source = _known(options.instance, job.printer)
        if source.media != to.media:
            raise WrongSettings(f"« {to.name} » n'a pas le même papier que « {source.name} »")
        header = None if to.beside(source) else partial(make_header, desk=source.desk, form=to.media)
        moved = spool.hand_on(
            spool.rest_of(job.key), to.name, by=options.by, at=now(), chance=chance, reason="moved", header=header
        )
        for job in moved:
            print(f"{job.key} : {to.name} ({to.desk or 'autre guichet'})")
    return 0 if moved else 1


def _spool(instance: Path) -> Spool:
    if not (instance / "spool.sqlite").exists():
        raise WrongSettings(f"{instance} : il n'y a pas encore de file d'impression ici")
    return Spool(instance / "spool.sqlite", station_id(instance / "station.key"))


def _known(instance: Path, name: str) -> Printer:
    printers = settings.read(instance / "printers.toml")
    if name not in printers:
        raise WrongSettings(f"« {name} » n'est pas dans printers.toml ; il y a : {', '.join(printers)}")
    return printers[name]


def _put(options: argparse.Namespace) -> int:
    printer = _known(options.instance, options.name)
    try:
        image = Image.open(io.BytesIO(options.file.read_bytes())).convert("1")
    except (UnidentifiedImageError, Image.DecompressionBombError) as fault:
        raise WrongSettings(f"{options.file} n'est pas une image") from fault
    picture = Picture(
        width=image.width,
        height=image.height,
        bits=image.tobytes("raw", "1;I").hex(),
        symbols=tuple(read_symbols(image)),
    )
    form = printer.media
    if form.has_pages:
        raise WrongSettings(f"« {printer.name} » imprime des pages A4, pas des images")
    cell = At(x=0, y=0, w=image.width, h=image.height, item=picture)
    paper = Paper(kind="picture", form=form, items=(picture if form.height is None else cell,), key=options.key)
    return _print(options.instance, printer, paper)


def _test_page(options: argparse.Namespace) -> int:
    printer = _known(options.instance, options.name)
    return _print(
        options.instance,
        printer,
        make_test_page(printer.name, printer.media, f"test/{printer.name}/{now():%Y%m%d%H%M%S%f}"),
    )


def _print(instance: Path, printer: Printer, paper: Paper) -> int:
    draw_pages(paper) if paper.form.has_pages else proved(paper)
    with _spool(instance) as spool:
        job = spool.put(paper, printer=printer.name, at=now(), chance=chance)
        print(f"{job.key} : {_STATES[job.state]}")
    return 0


class _AtTheKeyboard:
    """The person before a printer, asked in the terminal."""

    def please(self, words: str) -> None:
        """Ask for a gesture."""
        self.scan(f"{words} Puis Entrée.")

    def scan(self, words: str) -> str:
        """Ask for a scan: a scanner types and ends with Enter."""
        try:
            return input(f"{words} ")
        except EOFError as fault:
            raise WrongSettings("l'appairage demande une personne devant l'imprimante") from fault


def _pair(options: argparse.Namespace) -> int:
    printer = _known(options.instance, options.name)
    lasting = load_station_key(options.instance / "station.key")
    lock = hold_lock(options.instance / "station.lock")  # a printer has one owner: the station waits meanwhile
    try:
        trial = pair_office if printer.kind == "ipp" else pair
        proved = trial(printer, _AtTheKeyboard(), by=options.by, at=now(), chance=chance)
        with StationSpool(options.instance / "spool.sqlite", lasting.id) as spool:
            spool.write_proved(printer.name, proved)
    finally:
        os.close(lock)
    for words, right in (
        (f"modèle : {proved.model or 'elle ne le dit pas'}", bool(proved.model)),
        ("dit son état", proved.status),
        ("voit son capot ouvert", proved.cover),
        ("prouve chaque impression", proved.process_id),
        ("son code-barres est lu par la douchette", proved.barcode),
    ):
        print(f"{'oui' if right else 'NON'}  {words}")
    return 0


def _fingerprint(options: argparse.Namespace) -> int:
    if not options.address.startswith("ipps://"):
        raise WrongSettings("seule une adresse ipps:// montre un certificat")
    print(f'fingerprint = "{fingerprint_of(options.address)}"')
    print("Comparez-la à celle que montre l'imprimante (page de configuration, ou son écran) avant de la recopier.")
    return 0


def _prove_fakes(instance: Path, fakes: list[FakePrinter | FakeOffice]) -> None:
    """Tell a demonstration what these printers can do: nobody need open the cover of a printer made of air."""
    addresses = {fake.address: fake for fake in fakes}
    with StationSpool(instance / "spool.sqlite") as spool:
        for printer in settings.read(instance / "printers.toml").values():
            if (fake := addresses.get(printer.address)) is not None:
                is_zebra = isinstance(fake, FakeZebra)
                proved = Proved(
                    model=fake.model, process_id=not is_zebra, z64=is_zebra, status=True, at=now(), by="démonstration"
                )
                spool.write_proved(printer.name, proved)


def _fake(options: argparse.Namespace) -> int:
    stop = _until_told()
    wanted: dict[str, int] = {}
    for told in [*options.printer, *options.zpl, *options.ipp] or [""]:
        name, _, port = told.partition("=")
        if settings.NAME.fullmatch(name) is None or not port.isdecimal() or int(port) > 65_535:
            raise WrongSettings(f"« {told} » : écrivez NOM=PORT, par exemple labels=9101")
        wanted[name] = int(port)
    printers: list[FakePrinter] = []
    offices: list[FakeOffice] = []
    page = None
    try:
        for name, number in wanted.items():
            if any(told.startswith(f"{name}=") for told in options.ipp):
                offices.append(FakeOffice(port=number, name=name, page_s=0.5))
                print(f"Imprimante de démonstration {name} : {offices[-1].address}", flush=True)
                continue
            made = FakeZebra if any(told.startswith(f"{name}=") for told in options.zpl) else FakePrinter
            printers.append(made(port=number, out=options.out, name=name, print_s=0.15))
            print(f"Imprimante de démonstration {name} : {printers[-1].address}", flush=True)
        if options.instance is not None:
            _prove_fakes(options.instance, [*printers, *offices])
        if options.page_port is not None:
            page = serve_page(printers, port=options.page_port)
            print(f"Le papier se voit ici : http://localhost:{page.server_address[1]}/", flush=True)
        stop.wait()
    finally:
        if page is not None:
            page.shutdown()
            page.server_close()
        for printer in printers:
            printer.stop()
        for office in offices:
            office.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
