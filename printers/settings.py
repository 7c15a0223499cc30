"""The printers of an instance, read from `printers.toml`; what is not understood is refused with its line."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from printers.errors import Unprintable, WrongSettings
from printers.paper import MEDIA, Form

#: A head's dots per inch, as its maker writes them, and its dots per millimetre.
DPI = {203: 8, 300: 12}
#: Hosts that no network lies before: the machine itself, where ipp-usb shows a printer that hangs on its cable.
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")

EXAMPLE = """\
# Les imprimantes de ce laboratoire. Un bloc par imprimante ; son nom est celui que les autres réglages emploient.
# Commandes : python -m printers station | jobs | pair NOM | test-page NOM

[printer.labels]
kind = "escpos"                     # langue de l'imprimante : "escpos", ou "zpl" pour une Zebra
address = "tcp://127.0.0.1:9101"    # réseau : tcp://adresse:port ; câble USB : file:///dev/usb/lp0
media = "label-50x25"               # étiquettes : label-50x25, label-50x30, label-57x32, label-38x25
                                    # rouleaux : roll-80, roll-58 ; pour une tête de 300 dpi : label-50x25-300dpi, etc.
                                    # autre papier : {width_mm = 40, height_mm = 20, gap_mm = 2, dpmm = 8}
dpi = 203                           # points par pouce de la tête : le papier d'une autre tête est refusé
# dots = 448                        # largeur de la tête en points : un papier plus large est refusé
desk = "Guichet 1"                  # le poste où elle se trouve
# fallback = "labels-2"             # du même papier ; au même poste, elle prend la suite seule après 10 s,
                                    # à un autre poste, quand une personne le demande
process_id = true                   # croire sa preuve d'impression (GS ( H), une fois appairée ; false : jamais
status = true                       # elle dit si elle est prête (DLE EOT)
old_after_s = 900                   # après ce temps, une étiquette en attente demande avant de sortir

[printer.tickets]
kind = "escpos"
address = "tcp://127.0.0.1:9102"
media = "roll-80"
desk = "Borne"

[printer.slips]
kind = "escpos"
address = "tcp://127.0.0.1:9103"
media = "roll-80"
desk = "Accueil"

# Une imprimante de bureau (laser, A4) pour les comptes rendus : « report_printer = "office" » dans staff.toml.
# [printer.office]
# kind = "ipp"                      # elle parle IPP 2.0 et prend le PDF
# address = "ipps://192.0.2.20/ipp/print"   # par le réseau, toujours chiffré ; au bout d'un câble USB, par ipp-usb :
#                                   # ipp://localhost:60000/ipp/print
# fingerprint = ""                  # empreinte de son certificat : python -m printers fingerprint ADRESSE
# media = "a4"
# desk = "Accueil"
"""


@dataclass(frozen=True, kw_only=True)
class Printer:
    """One printer: its language, where it is reached, its medium, its desk, and what it was proved to answer.

    `status`: it answers DLE EOT. `process_id`: its answer to GS ( H is believed, once a pairing has proved it; without
    it no job is confirmed by the machine. `old_after_s`: a job that waited longer asks a person first. `fallback`: the
    printer of the same medium that takes over what was never sent. `fingerprint`: SHA-256 of the certificate that an
    office printer must show, in small hexadecimal digits, empty where no network lies between.
    """

    name: str
    kind: str = "escpos"
    address: str
    media: Form
    desk: str = ""
    process_id: bool = True
    status: bool = True
    old_after_s: int = 900
    fallback: str = ""
    fingerprint: str = ""

    @property
    def may_prove(self) -> bool:
        """Whether it may confirm a paper by itself: ZPL knows no such answer, a scan closes its jobs."""
        return self.process_id and self.kind != "zpl"

    def beside(self, other: "Printer") -> bool:
        """Whether both stand at one named desk: only there may papers move without being asked for."""
        return self.desk != "" and self.desk == other.desk


def read(path: Path) -> dict[str, Printer]:
    """The printers by name; raise `WrongSettings` with the line to change."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise WrongSettings(f"{path.name} : fichier illisible ({fault.strerror})") from fault
    return parse(text, path.name)


def parse(text: str, file: str = "printers.toml") -> dict[str, Printer]:
    """The printers written in a text; `file` is named in refusals."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise WrongSettings(f"{file} : {fault}") from fault
    for name in told.keys() - {"printer"}:
        raise WrongSettings(f"{file}, ligne {_line(text, None, name)} : « {name} » n'est pas un réglage connu")
    printers = told.get("printer", {})
    if not isinstance(printers, dict) or not printers:
        raise WrongSettings(f"{file}, ligne 1 : aucune imprimante ; écrivez un bloc [printer.labels]")
    found = {name: _printer(name, block, text, file) for name, block in printers.items()}
    addresses = [printer.address for printer in found.values()]
    for name, printer in found.items():
        if addresses.count(printer.address) > 1:
            line = _line(text, name, "address")
            raise WrongSettings(f"{file}, ligne {line} : deux imprimantes ont l'adresse {printer.address}")
        if (why := _no_fallback(printer, found)) is not None:
            raise WrongSettings(f"{file}, ligne {_line(text, name, 'fallback')} : {why}")
    return found


def forms(path: Path, uses: Mapping[str, tuple[str, Callable[[Form], object]]]) -> dict[str, Form]:
    """The media on which an app lays out its papers, read where the station reads them.

    Args:
        path: `printers.toml`.
        uses: what is printed (`labels`, `tickets`) -> the name of its printer, and what refuses a medium that does not
            suit it, by an `Unprintable` whose `french` is told with the line.

    Raises:
        WrongSettings: the file is not understood, a printer is not in it, or its medium does not suit what it prints.
    """
    printers, found = read(path), {}
    for use, (name, suits) in uses.items():
        if name not in printers:
            raise WrongSettings(f"{path.name} ne connaît pas l'imprimante « {name} ».")
        try:
            suits(printers[name].media)
        except Unprintable as fault:
            line = _line(path.read_text(encoding="utf-8"), name, "media")
            raise WrongSettings(f"{path.name}, ligne {line} : {fault.french}") from fault
        found[use] = printers[name].media
    return found


def _no_fallback(printer: Printer, found: Mapping[str, Printer]) -> str | None:
    """Why this printer's fallback cannot take over its papers, None if it can or if there is none."""
    if not printer.fallback:
        return None
    if printer.fallback == printer.name or printer.fallback not in found:
        return f"« fallback » nomme une autre imprimante de ce fichier, pas « {printer.fallback} »"
    if found[printer.fallback].media != printer.media:
        return f"« {printer.fallback} » n'a pas le même papier : elle ne peut pas prendre la suite"
    return None


def _printer(name: str, block: object, text: str, file: str) -> Printer:
    def refuse(key: str, why: str) -> WrongSettings:
        return WrongSettings(f"{file}, ligne {_line(text, name, key)} : {why}")

    if not isinstance(block, dict) or NAME.fullmatch(name) is None:
        raise refuse("", f"« {name} » n'est pas un nom d'imprimante (petites lettres, chiffres, tirets)")
    for key in block.keys() - _CHECKS.keys():
        raise refuse(key, f"« {key} » n'est pas un réglage connu")
    for key in ("address", "media"):
        if key not in block:
            raise refuse("", f"il manque « {key} » à l'imprimante {name}")
    for key, value in block.items():
        right, words = _CHECKS[key]
        if not right(value):
            raise refuse(key, f"« {key} » {words}")
    try:
        media = _media(block["media"])
    except (Unprintable, TypeError) as fault:
        raise refuse("media", f"ce papier n'existe pas ({fault})") from fault
    if (wrong := _contradiction(block, media)) is not None:
        raise refuse(*wrong)
    told = {key: value for key, value in block.items() if key not in {"dpi", "dots"}}  # the medium knows them now
    return Printer(name=name, **{**told, "media": media})


def _contradiction(block: Mapping[str, Any], media: Form) -> tuple[str, str] | None:
    """The setting that does not go with the others, and why."""
    if (why := _wrong_head(block, media)) is not None:
        return "media", why
    wrong = _wrong_in_an_office(block, media) if block.get("kind") == "ipp" else _wrong_at_a_counter(block, media)
    return next(((key, why) for is_wrong, key, why in wrong if is_wrong), None)


def _wrong_at_a_counter(block: Mapping[str, Any], media: Form) -> list[tuple[bool, str, str]]:
    is_zpl, proves = block.get("kind") == "zpl", block.get("process_id", True)
    scheme = urlsplit(block["address"]).scheme
    return [
        (media.has_pages, "media", "seule une imprimante « ipp » prend des feuilles A4"),
        (scheme not in {"tcp", "file"}, "address", "seule une imprimante « ipp » est à une adresse ipp:// ou ipps://"),
        ("fingerprint" in block, "fingerprint", "seule une imprimante « ipp » montre un certificat"),
        (is_zpl and media.height is None, "media", "une imprimante ZPL imprime des étiquettes"),
        (
            is_zpl and block.get("process_id", False),
            "process_id",
            "une imprimante ZPL ne prouve pas ses impressions : le scan du tube le fait",
        ),
        (
            not is_zpl and proves and not block.get("status", True),
            "status",
            "une imprimante qui prouve chaque impression dit aussi son état",
        ),
    ]


def _wrong_in_an_office(block: Mapping[str, Any], media: Form) -> list[tuple[bool, str, str]]:
    """An office printer gets whole sheets, and nothing that leaves this machine for it is in clear."""
    parts = urlsplit(block["address"])
    is_secure, shown = parts.scheme == "ipps", "fingerprint" in block
    hint = f"il manque « fingerprint » ; lisez-la par : python -m printers fingerprint {block['address']}"
    return [
        (not media.has_pages, "media", "une imprimante « ipp » prend des feuilles « a4 »"),
        (
            not is_secure and parts.scheme != "ipp",
            "address",
            "une imprimante « ipp » est à une adresse ipp:// ou ipps://",
        ),
        (is_secure and not shown, "address", hint),
        (not is_secure and shown, "fingerprint", "une adresse ipp:// n'a pas de certificat ; écrivez ipps://"),
        (
            not is_secure and parts.hostname not in _HERE,
            "address",
            "un compte rendu ne traverse pas le réseau en clair : écrivez ipps://",
        ),
        (not block.get("status", True), "status", "une imprimante « ipp » dit toujours son état"),
    ]


def _wrong_head(block: Mapping[str, Any], media: Form) -> str | None:
    """Why the printer's head cannot burn this medium dot for dot, None if it can."""
    if "dpi" in block and media.dpmm != (head := DPI[block["dpi"]]):
        return f"ce papier est dessiné à {media.dpmm} points par mm, la tête en a {head} (« dpi »)"
    if media.width > block.get("dots", media.width):
        return f"ce papier demande {media.width} points de large, la tête en a {block['dots']} (« dots »)"
    return None


def _media(told: object) -> Form:
    if isinstance(told, str):
        if told in MEDIA:
            return MEDIA[told]
        raise Unprintable(f"au choix : {', '.join(MEDIA)}")
    if isinstance(told, Mapping):
        return Form(**told)
    raise Unprintable("un nom ou une table")


def _reachable(address: Any) -> bool:
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
        if parts.scheme == "tcp":
            return bool(parts.hostname and parts.port) and not (parts.path or parts.query or parts.username)
        if parts.scheme in {"ipp", "ipps"}:
            whole = parts.port != 0 and re.fullmatch(r"/[!-~]*|", parts.path) is not None
            return bool(parts.hostname) and whole and not (parts.query or parts.username or parts.fragment)
    except ValueError:
        return False
    return parts.scheme == "file" and parts.netloc == "" and parts.path.startswith("/")


#: What each setting of a printer may be, and the words for what it is not.
_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "kind": (lambda value: value in {"escpos", "zpl", "ipp"}, "est « escpos », « zpl » ou « ipp »"),
    "address": (_reachable, "est tcp://machine:port, file:///dev/…, ipps://machine/ipp/print"),
    "media": (lambda value: isinstance(value, str | dict), "est un nom ou une table"),
    "dpi": (lambda value: type(value) is int and value in DPI, "est 203 ou 300, les points par pouce de la tête"),
    "dots": (
        lambda value: type(value) is int and 96 <= value <= 3_600,
        "est la largeur de la tête en points, entre 96 et 3600",
    ),
    "desk": (lambda value: isinstance(value, str), "est un texte"),
    "fallback": (lambda value: isinstance(value, str), "est le nom d'une imprimante"),
    "fingerprint": (
        lambda value: isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) is not None,
        "est fait de 64 chiffres hexadécimaux en minuscules, l'empreinte SHA-256 de son certificat",
    ),
    "process_id": (lambda value: isinstance(value, bool), "est true ou false"),
    "status": (lambda value: isinstance(value, bool), "est true ou false"),
    "old_after_s": (
        lambda value: type(value) is int and 30 <= value <= 86_400,
        "est un nombre de secondes entre 30 et 86400",
    ),
}


def _line(text: str, printer: str | None, key: str) -> int:
    """The line of a key in its block, or of the block itself; 1 when the text writes it in some other way."""
    block, best = None, 1
    for number, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*\[\s*printer\s*\.\s*\"?([^\]\"\s]+)\"?\s*\]", line):
            block = head[1]
            best = number if block == printer else best
        elif head := re.match(r"\s*\[+\s*\"?([^\]\".\s]+)", line):
            block = None
            best = number if printer is None and head[1] == key else best
        elif block == printer and key and re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line):
            return number
    return best
