import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from nacl.public import PrivateKey

from printers.errors import NotOurs, WrongSettings
from printers.paper import Paper
from printers.rows import Job
from printers.sealing import seal
from printers.station.keys import StationKey, load_station_key, make_station_key, open_paper, station_id
from printers.station.spool import StationSpool

Chance = Callable[[int], bytes]


def test_a_new_key_is_its_owners_alone_and_is_read_again(tmp_path: Path, chance: Chance) -> None:
    path = tmp_path / "new.key"
    told = make_station_key(path, chance)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert station_id(path) == told
    path.chmod(0o400)
    assert load_station_key(path).id == told


def test_a_key_is_never_replaced(tmp_path: Path, station_key: StationKey, chance: Chance) -> None:
    with pytest.raises(WrongSettings):
        make_station_key(tmp_path / "station.key", chance)
    assert station_id(tmp_path / "station.key") == station_key.id


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o700 | 0o010])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, station_key: StationKey, mode: int) -> None:
    (tmp_path / "station.key").chmod(mode)
    with pytest.raises(WrongSettings, match="0600"):
        load_station_key(tmp_path / "station.key")


def test_a_key_of_another_user_is_refused(tmp_path: Path, station_key: StationKey) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away: this proved nothing here")
    os.chown(tmp_path / "station.key", 65_534, 65_534)
    with pytest.raises(WrongSettings):
        load_station_key(tmp_path / "station.key")


@pytest.mark.parametrize("text", ["", "etiquette station 1\n", "etiquette station 1\n00\n00\n", "other\n" + "00" * 32])
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(WrongSettings):
        load_station_key(path)


def test_a_link_is_not_followed(tmp_path: Path, station_key: StationKey) -> None:
    (tmp_path / "link.key").symlink_to(tmp_path / "station.key")
    with pytest.raises(WrongSettings):
        load_station_key(tmp_path / "link.key")


def test_keys_do_not_show_themselves(station_key: StationKey) -> None:
    assert bytes(station_key.opening).hex() not in repr(station_key)
    assert repr(station_key) == "StationKey()"


def test_a_paper_opens_for_its_own_job_only(
    spool: StationSpool, station_key: StationKey, label: Callable[..., Paper], at: datetime, chance: Chance
) -> None:
    jobs: list[Job] = [
        spool.put(label(digits), printer="labels", at=at, chance=chance) for digits in ("263250100014", "263250100022")
    ]
    payload = spool.payload(jobs[0].key)
    assert payload is not None
    assert open_paper(payload, jobs[0], station_key.opening) == label("263250100014")
    damaged = payload[:-1] + bytes((payload[-1] ^ 1,))
    for wrong, job, key in (
        (payload, jobs[1], station_key.opening),
        (payload, replace(jobs[0], secret=True), station_key.opening),
        (payload, jobs[0], PrivateKey(bytes(32))),
        (damaged, jobs[0], station_key.opening),
        (b"\x02" + payload[1:], jobs[0], station_key.opening),
        (b"", jobs[0], station_key.opening),
    ):
        with pytest.raises(NotOurs):
            open_paper(wrong, job, key)


def test_a_secret_opens_for_its_own_printer_only(
    station_key: StationKey, spool: StationSpool, slip: Paper, at: datetime, chance: Chance, label: Callable[..., Paper]
) -> None:
    job = spool.put(label(), printer="slips", at=at, chance=chance)
    mine = replace(job, key=slip.key, secret=True, printer="slips")
    payload = seal(f"slips\n{slip.to_json()}".encode(), station_key.id.sealing, chance)
    assert open_paper(payload, mine, station_key.opening) == slip
    with pytest.raises(NotOurs):
        open_paper(payload, replace(mine, printer="tickets"), station_key.opening)
