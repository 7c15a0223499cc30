"""Where everything stands on the labels of each size, as tables in eighths of a millimetre."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from kiosk.settings import StaffSettings
from printers.errors import Unprintable
from printers.paper import Form, must_be_roll, must_hold_reports
from printers.settings import forms


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A place on a label: left, top, width, height, and the largest and the smallest size of its text, all in dots."""

    x: int
    y: int
    w: int
    h: int
    largest: int = 0
    smallest: int = 0

    def at(self, dpmm: int) -> "Cell":
        """The same place in the dots of a finer head; a half dot of text size is given up."""
        return Cell(**{name: dots * dpmm // UNIT for name, dots in vars(self).items()})


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The cells of one size of label; every table has them all."""

    birth_name: Cell
    #: Given name, then the name in use.
    given_name: Cell
    #: Birth date, sex, patient number.
    traits: Cell
    container: Cell
    cap: Cell
    #: k/n in order of draw, or the minutes of a timed draw.
    turn: Cell
    bars: Cell
    digits: Cell
    urgent: Cell
    copy: Cell
    #: Nature of the specimen, date, hour, sampler.
    draw: Cell
    #: The narrowest bar: 0.25 mm.
    module: int = 2


class NoLayout(Unprintable):
    """No tube label is drawn for this medium; choose one of the sizes that are."""

    french = "Aucune étiquette de tube n'est dessinée pour ce papier. Au choix : 50 × 25, 50 × 30, 57 × 32, 38 × 25 mm."


UNIT: Final = 8  #: dots per millimetre of the tables; each number is even, so that 12 dots give whole dots too


def _cell(x: int, y: int, w: int, h: int, largest: int = 0, smallest: int = 0) -> Cell:
    return Cell(x=x, y=y, w=w, h=h, largest=largest, smallest=smallest)


#: Width and height in millimetres -> the table. The bars stand where 10 modules on each side are white paper.
LAYOUTS: Final[Mapping[tuple[int, int], Layout]] = MappingProxyType(
    {
        (50, 25): Layout(
            birth_name=_cell(8, 4, 384, 32, 30, 18),
            given_name=_cell(8, 36, 264, 24, 22, 16),
            traits=_cell(8, 60, 264, 22, 20, 15),
            container=_cell(280, 36, 112, 30, 28, 18),
            cap=_cell(280, 66, 112, 20, 18, 13),
            turn=_cell(280, 86, 112, 30, 28, 18),
            bars=_cell(28, 86, 202, 60),
            digits=_cell(8, 148, 264, 22, 20, 16),
            urgent=_cell(280, 118, 112, 28, 24, 24),
            copy=_cell(280, 148, 112, 22, 18, 18),
            draw=_cell(8, 172, 384, 22, 18, 13),
        ),
        (50, 30): Layout(
            birth_name=_cell(8, 6, 384, 36, 34, 18),
            given_name=_cell(8, 44, 264, 28, 24, 16),
            traits=_cell(8, 72, 264, 26, 22, 15),
            container=_cell(280, 44, 112, 32, 28, 18),
            cap=_cell(280, 76, 112, 22, 18, 13),
            turn=_cell(280, 100, 112, 36, 32, 18),
            bars=_cell(28, 102, 202, 76),
            digits=_cell(8, 182, 264, 24, 22, 16),
            urgent=_cell(280, 142, 112, 34, 26, 26),
            copy=_cell(280, 182, 112, 24, 20, 20),
            draw=_cell(8, 210, 384, 24, 18, 13),
        ),
        (57, 32): Layout(
            birth_name=_cell(8, 6, 440, 40, 38, 18),
            given_name=_cell(8, 48, 296, 30, 26, 16),
            traits=_cell(8, 78, 296, 28, 24, 15),
            container=_cell(312, 48, 136, 34, 30, 18),
            cap=_cell(312, 82, 136, 24, 20, 13),
            turn=_cell(312, 108, 136, 40, 36, 18),
            bars=_cell(28, 110, 202, 80),
            digits=_cell(8, 194, 296, 26, 24, 16),
            urgent=_cell(312, 154, 136, 36, 28, 28),
            copy=_cell(312, 194, 136, 26, 22, 22),
            draw=_cell(8, 224, 440, 26, 20, 13),
        ),
        # The bars and their white take 30.3 of the 38 mm: what stands beside them elsewhere is above and below here.
        (38, 25): Layout(
            birth_name=_cell(6, 4, 292, 28, 28, 14),
            given_name=_cell(6, 32, 292, 20, 20, 14),
            traits=_cell(6, 52, 292, 20, 18, 14),
            container=_cell(6, 74, 136, 22, 20, 13),
            cap=_cell(146, 74, 94, 22, 18, 13),
            turn=_cell(244, 74, 54, 22, 20, 13),
            bars=_cell(26, 98, 202, 54),
            digits=_cell(6, 154, 142, 20, 18, 16),
            urgent=_cell(152, 154, 76, 20, 18, 18),
            copy=_cell(232, 154, 66, 20, 14, 14),
            draw=_cell(6, 176, 292, 20, 16, 13),
        ),
    }
)


def media_of(settings: StaffSettings, file: Path) -> dict[str, Form]:
    """The media that the staff app prints on: tube labels on one of the sizes above, everything else on a roll.

    Args:
        settings: the names of its printers.
        file: `printers.toml`.

    Raises:
        WrongSettings: with the line of `printers.toml` to change.
    """
    uses = {
        "labels": (settings.label_printer, layout),
        "slips": (settings.slip_printer, must_be_roll),
        "reports": (settings.reports_on, must_hold_reports),
        "tickets": (settings.ticket_printer, must_be_roll),
    }
    return forms(file, uses)


def layout(form: Form) -> Layout:
    """The table of a medium in whole dots of its head: a 300 dpi printer gets other dots, never a stretched picture.

    Raises:
        NoLayout: no label is drawn for this size, or for a head that is neither of 203 nor of 300 dpi.
    """
    table = LAYOUTS.get((form.width_mm, form.height_mm or 0))
    if table is None or form.dpmm not in {8, 12}:
        raise NoLayout
    cells = {name: cell.at(form.dpmm) for name, cell in vars(table).items() if isinstance(cell, Cell)}
    return replace(table, **cells, module=table.module * form.dpmm // UNIT)
