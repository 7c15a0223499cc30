"""Screens are let in, listed and sent away from the command line."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from kiosk.door.devices import LASTS, CodeGone, NoDevice, device_of, take_over
from kiosk.register.sites import this_site
from results.upkeep.founding import opened_instance
from results.upkeep.screens import listeners, pair, revoke, tell
from tests.founded import copy_of, real_laboratory

AT = datetime.fromisoformat("2026-11-21T07:30:00+00:00")
CHANCE = Random(11).randbytes


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return copy_of(real_laboratory().folder, tmp_path / "instance")


def listed(instance: Path, at: datetime = AT) -> list[str]:
    said: list[str] = []
    tell(instance, at=at, say=said.append)
    return said


def test_a_screen_is_paired_by_the_code_that_is_said_and_then_sent_away(instance: Path) -> None:
    assert listed(instance) == ["Aucun écran n'est appairé. Lancez « etiquette kiosk pair NOM »."]
    said: list[str] = []
    pair(instance, "Borne 1", at=AT, chance=CHANCE, say=said.append)
    assert "Il ne sert qu'une fois." in said[1]
    assert listed(instance) == ["Borne 1 : attend son code"]
    assert listeners(instance) == (0, 0)
    assert listed(instance, AT + LASTS + timedelta(seconds=1)) == ["Borne 1 : code trop ancien, jamais appairé"]
    [code] = re.findall(r"Borne 1 : (\S{4} \S{4})$", said[0])
    with opened_instance(instance) as database:
        with database.transaction() as db:
            token = take_over(db, this_site(db).id, code, at=AT, chance=CHANCE)
        assert listed(instance) == ["Borne 1 : appairé le 21/11/2026 à 11 h 30"]  # on Réunion
        assert listeners(instance) == (1, 0)
        revoke(instance, "Borne 1", at=AT, chance=CHANCE, say=said.append)
        with database.reading() as db:
            assert device_of(db, token) is None
        with pytest.raises(CodeGone), database.transaction() as db:
            take_over(db, this_site(db).id, code, at=AT, chance=CHANCE)
    assert listeners(instance) == (0, 0)
    with pytest.raises(NoDevice):
        revoke(instance, "Borne 1", at=AT, chance=CHANCE, say=said.append)
