"""A printer's light: what it does, in words, and what a person does about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from printers.errors import CAUSES
from printers.rows import PrinterState


@dataclass(frozen=True, kw_only=True)
class Light:
    """How a printer does: words, their tone, and the gesture that puts it right."""

    words: str
    tone: str
    gesture: str = ""


def light_of(printer: PrinterState, *, alive: bool) -> Light:
    """Say how a printer does; what stops it comes before what will stop it.

    Args:
        printer: what the station last saw of it.
        alive: whether a station runs; without one nothing is known of any printer.
    """
    if not alive:
        return Light(words="station arrêtée", tone="danger", gesture="Faites démarrer le poste d'impression.")
    if not printer.served:
        return Light(words="hors service", tone="warn", gesture="Le poste d'impression ne la connaît plus.")
    paused, stopped = printer.paused_at is not None, printer.state != "ready"
    if paused or stopped or printer.cause == "near-end":
        cause = "pause" if paused else printer.cause
        words, gesture = CAUSES.get(cause, ("pas encore vue", "Attendez un instant."))
        return Light(words=words, tone="danger" if stopped and not paused else "warn", gesture=gesture)
    if printer.proved is None:
        return Light(words="prête, non appairée", tone="warn", gesture=CAUSES["without-id"][1])
    if printer.cause == "without-id" or not printer.proved.process_id:
        return Light(words="prête, sans preuve", tone="info", gesture="Le scan du tube dit que l'étiquette est sortie.")
    return Light(words="prête", tone="ok")


def other_printers(printers: Sequence[PrinterState], name: str) -> tuple[PrinterState, ...]:
    """The printers that could take the papers of this one: served, of the same medium, not paused; ready ones first."""
    media = next((printer.media for printer in printers if printer.name == name), None)
    fit = [
        printer
        for printer in printers
        if printer.name != name and printer.served and printer.media == media is not None and printer.paused_at is None
    ]
    return tuple(sorted(fit, key=lambda printer: printer.state != "ready"))
