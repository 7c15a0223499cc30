"""Papers, a clock that stands still, and one station's key."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from printers.paper import LABEL_50X25, ROLL_80, At, Barcode, Cut, Paper, Qr, Text
from printers.station.keys import StationKey, load_station_key, make_station_key
from printers.station.spool import StationSpool

MakeLabel = Callable[..., Paper]


def _label(
    digits: str = "263250100014", name: str = "MOREAU", first: str = "Élise", *, urgent: bool = False, copy: int = 1
) -> Paper:
    cells = [
        At(x=8, y=4, w=384, h=32, item=Text(s=name, size_max=30, size_min=18, bold=True, may_cut=True)),
        At(x=8, y=36, w=264, h=24, item=Text(s=first, size_max=22, size_min=16, may_cut=True)),
        At(x=8, y=60, w=264, h=22, item=Text(s="12/03/1954 F N° 1234567", size_max=20, size_min=15)),
        At(x=280, y=36, w=112, h=30, item=Text(s="CITRATE", size_max=28, size_min=18)),
        At(x=280, y=66, w=112, h=20, item=Text(s="bouchon bleu", size_max=18, size_min=13)),
        At(x=280, y=86, w=112, h=30, item=Text(s="1/6", size_max=28, size_min=18)),
        At(x=28, y=86, w=202, h=60, item=Barcode(digits=digits)),
        At(x=8, y=148, w=264, h=22, item=Text(s=f"{digits[:4]} {digits[4:8]} {digits[8:]}", size_max=20, size_min=16)),
        At(x=8, y=172, w=384, h=22, item=Text(s="Sang veineux, 21/11/2026 07:45, KD", size_max=18, size_min=13)),
    ]
    if urgent:
        item = Text(s="URGENT", size_max=24, size_min=18, inverse=True, align="center")
        cells.append(At(x=280, y=118, w=112, h=28, item=item))
    if copy > 1:
        item = Text(s=f"COPIE {copy}", size_max=18, size_min=14, inverse=True, align="center")
        cells.append(At(x=280, y=148, w=112, h=22, item=item))
    return Paper(kind="label", form=LABEL_50X25, items=tuple(cells), key=f"label/{digits}/{copy}")


@pytest.fixture
def label() -> MakeLabel:
    return _label


@pytest.fixture
def ticket() -> Paper:
    return Paper(
        kind="ticket",
        form=ROLL_80,
        key="ticket/1/1",
        expires_s=120,
        items=(
            Text(s="A 042", size_max=180, size_min=90, bold=True, align="center"),
            Text(s="Environ 10 à 20 minutes. Suivez l'attente sur votre téléphone.", size_max=28, size_min=28),
            Qr(data="https://labo.example/s/AB12CD34", module_dots=6),
            Cut(),
        ),
    )


@pytest.fixture
def slip() -> Paper:
    lines = (Text(s="1  4821 9930 7715 2046", size_max=34, size_min=24), Cut())
    return Paper(kind="slip", form=ROLL_80, key="slip/1/1", items=lines, secret=True)


@pytest.fixture
def at() -> datetime:
    return datetime(2026, 11, 21, 7, 30, tzinfo=UTC)


@pytest.fixture
def chance() -> Callable[[int], bytes]:
    return random.Random(7).randbytes


@pytest.fixture
def station_key(tmp_path: Path, chance: Callable[[int], bytes]) -> StationKey:
    make_station_key(tmp_path / "station.key", chance)
    return load_station_key(tmp_path / "station.key")


@pytest.fixture
def spool(tmp_path: Path, station_key: StationKey) -> Iterator[StationSpool]:
    with StationSpool(tmp_path / "spool.sqlite", station_key.id) as opened:
        yield opened
