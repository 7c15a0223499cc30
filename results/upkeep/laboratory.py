"""A made-up laboratory system: it answers every tube that a demonstration has drawn."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.exams.catalogue import catalogue
from kiosk.register import clock
from kiosk.register.clock import Chance
from kiosk.register.patients import Patient, patient_of
from kiosk.register.sites import Site
from labels.tubes import State, Tube
from results.hl7v2.writer import write

#: A value with a point: no key, token or hash on a page can hold it by chance, so that a search for it proves.
MARKED_VALUE = "1250.7"

#: Exams whose answer has a plausible form of its own; every other one gets a number.
ANSWERS = {
    "7401": ("ST", "positive", ""),
    "7402": ("NM", MARKED_VALUE, "UI/L"),
    "0388": ("ST", "non réactif", ""),
    "0127": ("NM", "2.4", ""),
    "1104": ("NM", "4.7", "10*12/L"),
    "0552": ("NM", "0.92", "g/L"),
}
BIOLOGIST = ("", "LENOIR", "Claire")


def answers(db: Session, site: Site, *, at: datetime, chance: Chance) -> list[bytes]:
    """One result message (ORU^R01) for each visit whose tubes were drawn on this day."""
    day = clock.day(site.timezone, at)
    drawn = [
        tube
        for tube in db.scalars(
            select(Tube)
            .where(Tube.site_id == site.id, Tube.state == State.DRAWN)
            .order_by(Tube.visit_id, Tube.position)
        )
        if tube.drawn_at is not None and clock.day(site.timezone, tube.drawn_at) == day
    ]
    messages = []
    for visit_id, group in groupby(drawn, key=lambda tube: tube.visit_id):
        patient = patient_of(db, visit_id)
        if patient is not None:
            local = at.astimezone(ZoneInfo(site.timezone))
            messages.append(answer(patient, list(group), local=local, number=chance(8).hex().upper()))
    return messages


def answer(patient: Patient, tubes: Sequence[Tube], *, local: datetime, number: str) -> bytes:
    """One message for one visit's tubes: one report, a line for each exam.

    Args:
        local: the site's own hour, with its offset.
        number: the message's control number.
    """
    hour = local.strftime("%Y%m%d%H%M%S%z")
    # Asked twice, it says the same: what was found has the hour of the draw, not that of the message.
    drawn = max((tube.drawn_at for tube in tubes if tube.drawn_at is not None), default=local)
    found = drawn.astimezone(local.tzinfo).strftime("%Y%m%d%H%M%S%z")
    given = " ".join(name.strip() for name in patient.given_names.split(","))
    segments: list[tuple[object, ...]] = [
        ("MSH", "SIL", "LABO", "ETIQUETTE", "LABO", hour, "", ("ORU", "R01", "ORU_R01"), number, "P", "2.5",
         "", "", "", "", "FRA", "UNICODE UTF-8"),
        ("PID", "1", "", (str(patient.number), "", "", "ETIQUETTE", "PI"), "",
         (patient.birth_name, given.split()[0], given, "", "", "", "L"), "", patient.birth_date, patient.sex),
        ("PV1", "1", "O"),
    ]  # fmt: skip
    filler = f"R{tubes[0].sample_number}"
    place = 0
    for tube in tubes:
        for code in tube.exams:
            place += 1
            exam = catalogue().by_code(code)
            name = exam.name if exam else code
            kind, value, unit = ANSWERS.get(code, ("NM", "1.0", ""))
            coded = (code, name, "NABM")
            segments += [
                ("ORC", "RE", tube.sample_number, filler),
                ("OBR", str(place), tube.sample_number, filler, coded, *[""] * 2, found, *[""] * 14, found, *[""] * 2,
                 "F", *[""] * 6, BIOLOGIST),
                ("OBX", str(place), kind, coded, "", value, unit, "", "", "", "", "F"),
            ]  # fmt: skip
    return write(segments)  # type: ignore[arg-type]  # rows of plain strings and tuples of them
