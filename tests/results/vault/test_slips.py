"""A dossier has one key, a slip opens only on paper, and what is changed by another hand is not believed."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.database import Database
from kiosk.register.journal import ResultsText, verify
from results.reports.versions import ReportVersion
from results.vault.codes import PinTooEasy
from results.vault.dossiers import (
    CodeLine,
    Dossier,
    EscrowShare,
    LineState,
    NoSuchDossier,
    Slip,
    SlipState,
    Wish,
    dossier_of,
    open_dossier,
    trusted_dossier,
)
from results.vault.opening import open_by_escrow, open_version
from results.vault.sealing import DoesNotOpen, public_of
from results.vault.slips import (
    MOVES,
    KeyChanged,
    NoSuchSlip,
    ReissueNeeded,
    SlipAlreadyEnded,
    confirm_slip,
    find_slip,
    issue_slip,
    lines_of,
    prepare_slip,
    void_slip,
)
from results.vault.wraps import Line, stretch_code, unwrap_key
from tests.results.vault.cast import BIRTH, CONTENT, PIN, SOPHIE, House, make_house
from tests.results.vault.vectors import SMALL

C0, C1, C2, C3, C4, C5 = ReleaseClass


@pytest.fixture
def house(database: Database, tmp_path: Path, chance: Callable[[int], bytes], at: datetime) -> House:
    return make_house(database, tmp_path / "keys", chance, at)


def test_a_dossier_is_opened_at_registration_with_a_share_for_the_biologists(house: House) -> None:
    dossier_id = house.open_dossier(C0, None, C3, wishes=(Wish.DISCREET,))
    with house.database.reading() as db:
        dossier = trusted_dossier(db, house.keys, dossier_id)
        assert dossier.classes == (None, C0, C3)
        assert dossier.wished == {Wish.DISCREET}
        assert public_of(open_by_escrow(db, dossier, house.lenoir)) == dossier.public
        assert dossier_of(db, house.keys, dossier.visit_id).id == dossier_id
        assert BIRTH not in repr([vars(dossier)])


def test_the_same_visit_keeps_its_dossier_and_takes_new_classes(house: House) -> None:
    dossier_id = house.open_dossier(C0)
    with house.database.transaction(writes="results") as db:
        before = trusted_dossier(db, house.keys, dossier_id)
        public = before.public
        again = open_dossier(
            db, house.keys, site_id=house.site_id, visit_id=before.visit_id, birth_date=BIRTH, classes=(C0, C2),
            wishes=(), promised_at=house.at, by=SOPHIE, at=house.at, chance=house.chance,
        )  # fmt: skip
        assert (again.id, again.public, again.classes) == (dossier_id, public, (C0, C2))
    with house.database.reading() as db:
        assert trusted_dossier(db, house.keys, dossier_id).classes == (C0, C2)


@pytest.mark.parametrize(
    "change",
    [{"public": bytes(32)}, {"mac": bytes(32)}, {"wishes": ""}, {"expected": "C0"}, {"birth_check": bytes(16)},
     {"vouched": bytes(32)}, {"promised_at": datetime.fromisoformat("2020-01-01T00:00:00+00:00")}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_dossier_that_another_hand_changed_is_not_believed(house: House, change: dict[str, Any]) -> None:
    dossier_id = house.open_dossier(C3, wishes=(Wish.MINOR_SECRET,))
    with house.database.transaction(writes="results") as db:
        assert trusted_dossier(db, house.keys, dossier_id)
        db.execute(update(Dossier).where(Dossier.id == dossier_id).values(**change))
    with house.database.reading() as db, pytest.raises(NoSuchDossier):
        trusted_dossier(db, house.keys, dossier_id)


def test_what_another_hand_changed_is_never_vouched_for_anew(house: House) -> None:
    dossier_id = house.open_dossier(C3, wishes=(Wish.DISCREET,))
    with house.database.transaction(writes="results") as db:
        visit_id = trusted_dossier(db, house.keys, dossier_id).visit_id
        db.execute(update(Dossier).where(Dossier.id == dossier_id).values(wishes=""))

    def save_again() -> None:
        with house.database.transaction(writes="results") as db:
            open_dossier(
                db, house.keys, site_id=house.site_id, visit_id=visit_id, birth_date=BIRTH, classes=(C3,),
                wishes=(), promised_at=house.at, by=SOPHIE, at=house.at, chance=house.chance,
            )  # fmt: skip

    with pytest.raises(NoSuchDossier):
        save_again()
    with house.database.reading() as db, pytest.raises(NoSuchDossier):
        trusted_dossier(db, house.keys, dossier_id)


def test_a_slip_has_four_lines_that_each_open_the_dossier(house: House) -> None:
    dossier_id = house.open_dossier(C0)
    slip = house.issue(dossier_id)
    assert len(slip.codes) == len(set(slip.codes)) == 4
    with house.database.reading() as db:
        dossier = trusted_dossier(db, house.keys, dossier_id)
        found = find_slip(db, house.keys, house.site_id, slip.handle)
        assert found is not None
        assert (found.id, found.state) == (slip.slip_id, SlipState.VALID)
        for row, code in zip(lines_of(db, slip.slip_id), slip.codes, strict=True):
            assert row.salt is not None
            assert row.wrap is not None
            k = stretch_code(code[:15], PIN, row.salt, cost=SMALL)
            line = Line(dossier=dossier_id, slip=slip.slip_id, line=row.line, pepper_version=1)
            private = unwrap_key(line, row.wrap, k=k, pepper=house.keys.pepper[1], public=dossier.public)
            assert private == open_by_escrow(db, dossier, house.lenoir)


def test_no_code_pin_handle_or_birth_date_lies_in_the_files(house: House, tmp_path: Path) -> None:
    dossier_id = house.open_dossier(C3)
    slip = house.issue(dossier_id)
    house.report(dossier_id, C3)
    if house.database.reading_engine.dialect.name == "postgresql":
        with house.database.reading() as db:
            rows = [
                str(row)
                for table in ("slip", "code_line", "dossier", "journal_text", "report_version")
                for row in db.execute(text(f"SELECT * FROM results.{table}"))  # noqa: S608 -- names of this list
            ]
            stored = "\n".join(rows).encode()
    else:
        stored = b"".join(path.read_bytes() for path in (tmp_path / "instance").iterdir() if path.is_file())
    assert b"slip.issued" in stored
    for secret in (*slip.codes, *(code[:15] for code in slip.codes), f"|{PIN}", BIRTH):
        assert secret.encode() not in stored
    assert CONTENT not in stored


def test_a_new_slip_makes_the_former_one_void_and_deletes_its_lines(house: House) -> None:
    dossier_id = house.open_dossier(C0)
    first, second = house.issue(dossier_id), house.issue(dossier_id)
    with house.database.reading() as db:
        former = db.get(Slip, first.slip_id)
        assert former is not None
        assert former.state is SlipState.VOID
        assert {line.state for line in lines_of(db, first.slip_id)} == {LineState.CLOSED}
        assert all(line.wrap is None and line.salt is None for line in lines_of(db, first.slip_id))
        assert {line.state for line in lines_of(db, second.slip_id)} == {LineState.READY}


def test_while_nothing_is_sealed_each_slip_brings_a_fresh_pair(house: House) -> None:
    dossier_id = house.open_dossier(C3)
    publics, shares = set(), set()
    for _ in range(2):
        with house.database.reading() as db:
            publics.add(trusted_dossier(db, house.keys, dossier_id).public)
            shares.add(db.scalars(select(EscrowShare.box)).one())
        house.issue(dossier_id)
    with house.database.reading() as db:
        publics.add(trusted_dossier(db, house.keys, dossier_id).public)
        assert len(db.scalars(select(EscrowShare)).all()) == 1
    assert (len(publics), len(shares)) == (3, 2)


def test_once_something_confidential_is_sealed_only_a_biologist_re_issues(house: House) -> None:
    dossier_id = house.open_dossier(C3)
    first = house.issue(dossier_id)
    report_id = house.report(dossier_id, C3)
    with pytest.raises(ReissueNeeded):
        house.issue(dossier_id)
    with house.database.reading() as db:
        private = open_by_escrow(db, trusted_dossier(db, house.keys, dossier_id), house.lenoir)
    second = house.issue(dossier_id, private=private)
    with house.database.reading() as db:
        version = db.get(ReportVersion, (report_id, 1))
        assert version is not None
        assert open_version(db, house.keys, version, private=private).content == CONTENT
        with pytest.raises(DoesNotOpen):
            open_version(db, house.keys, version)
        assert all(line.wrap is None for line in lines_of(db, first.slip_id))
        assert all(line.wrap is not None for line in lines_of(db, second.slip_id))
    with pytest.raises(KeyChanged):
        house.issue(dossier_id, private=bytes(range(32)))


def test_ordinary_results_never_ask_for_a_biologist(house: House) -> None:
    dossier_id = house.open_dossier(C0)
    house.issue(dossier_id)
    house.report(dossier_id, C1)
    assert house.issue(dossier_id)


@pytest.mark.parametrize("state", SlipState)
def test_every_move_of_a_slip_is_in_the_table(house: House, state: SlipState) -> None:
    acts = {SlipState.VALID: confirm_slip, SlipState.VOID: void_slip}
    for after, act in acts.items():
        slip = house.issue(house.open_dossier(C0), confirm=False)
        with house.database.transaction(writes="results") as db:
            if state is not SlipState.PRINTING:
                acts[state](db, slip.slip_id, by="station", at=house.at, chance=house.chance)
            if (state, after) in MOVES:
                act(db, slip.slip_id, by="station", at=house.at, chance=house.chance)
            else:
                with pytest.raises(SlipAlreadyEnded):
                    act(db, slip.slip_id, by="station", at=house.at, chance=house.chance)
            row = db.get(Slip, slip.slip_id)
            assert row is not None
            assert row.state is (after if (state, after) in MOVES else state)


def test_an_unknown_handle_or_slip_is_nothing(house: House) -> None:
    house.open_dossier(C0)
    with house.database.transaction(writes="results") as db:
        assert find_slip(db, house.keys, house.site_id, "704193") is None
        with pytest.raises(NoSuchSlip):
            confirm_slip(db, house.site_id, by=SOPHIE, at=house.at, chance=house.chance)
        with pytest.raises(NoSuchDossier):
            dossier_of(db, house.keys, house.site_id)


def test_a_handle_that_is_taken_is_drawn_again(house: House) -> None:
    first = house.issue(house.open_dossier(C0))
    dossier_id = house.open_dossier(C0)
    prepared = prepare_slip(
        house.keys, dossier_id=dossier_id, pin=PIN, birth_date=BIRTH, at=house.at, chance=house.chance
    )
    draws = [int(first.handle).to_bytes(8, "big"), (704_193).to_bytes(8, "big")]

    def chance(size: int) -> bytes:
        return draws.pop(0) if size == 8 and draws else house.chance(size)

    with house.database.transaction(writes="results") as db:
        assert issue_slip(db, house.keys, prepared, by=SOPHIE, at=house.at, chance=chance).handle == "704193"


def test_an_easy_pin_makes_no_slip(house: House) -> None:
    with pytest.raises(PinTooEasy):
        prepare_slip(
            house.keys, dossier_id=house.site_id, pin="1954", birth_date=BIRTH, at=house.at, chance=house.chance
        )


def test_each_act_is_in_the_journal(house: House) -> None:
    house.issue(house.open_dossier(C0))
    with house.database.reading() as db:
        told = " ".join(db.scalars(select(ResultsText.text)))
        assert verify(db, "results").sound
    for act in ("dossier.opened", "slip.issued", "slip.confirmed"):
        assert f'"{act}"' in told


def test_the_database_itself_refuses_a_ready_line_without_wrap(house: House) -> None:
    slip = house.issue(house.open_dossier(C0))

    def tear() -> None:
        with house.database.transaction(writes="results") as db:
            db.execute(update(CodeLine).where(CodeLine.slip_id == slip.slip_id).values(wrap=None, salt=None))

    with pytest.raises(IntegrityError):
        tear()
