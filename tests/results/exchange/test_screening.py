from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from results.exchange import screening
from results.exchange.connections import Connection
from results.exchange.matching import Doubt
from results.exchange.screening import LIMIT, Refused, doubt_of_form, refusal_of
from results.hl7v2.reader import Message
from results.reports.sorting import fragments

MESSAGES = Path(__file__).resolve().parents[1] / "hl7v2" / "messages"
PLAIN = (MESSAGES / "plain.hl7").read_bytes()
DOCUMENT = (MESSAGES / "document.hl7").read_bytes()
NATIONAL = PLAIN.replace(b"|FRA|UNICODE UTF-8", b"|FRA|UNICODE UTF-8|||CISIS_CDA_HL7_V2^x~other")
SIL = Connection(name="sil", zone=ZoneInfo("Europe/Paris"), application="SIL", facility="LABO")


def doubt(raw: bytes, *, is_cut: bool = False) -> Doubt | None:
    message = Message.read(raw)
    return doubt_of_form(message, fragments(message), is_cut=is_cut)


def refusal(raw: bytes, connection: Connection = SIL) -> Refused | None:
    return refusal_of(Message.read(raw), connection, size=len(raw))


@pytest.mark.parametrize("raw", [PLAIN, DOCUMENT, NATIONAL.replace(b"ORC|RE", b"ORC|NW"), NATIONAL])
def test_a_whole_message_of_the_sender_passes(raw: bytes) -> None:
    assert refusal(raw) is None
    assert doubt(raw) is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (PLAIN[:-30].rpartition(b"OBX")[0] + b"OBX|2|ST|1", screening.TRUNCATED),
        (PLAIN + PLAIN, screening.SEVERAL_HEADERS),
        (PLAIN.replace(b"\rNTE", b"\rsuite du texte\rNTE"), screening.STRAY_TEXT),
        (b"\r".join(PLAIN.split(b"\r")[:5]) + b"\r", screening.NO_RESULT),
        (DOCUMENT.replace(b"||||||F\nOBX|2", b"AA||||||F\nOBX|2"), screening.DOCUMENT_TRUNCATED),
        (NATIONAL.replace(b"ORC|RE", b"ORC|CA"), screening.ORDER_DISAGREES),
        (NATIONAL.replace(b"ORC|RE", b"ORC|RO"), screening.ORDER_DISAGREES),
    ],
)
def test_each_fault_of_form_is_held_with_its_reason(raw: bytes, reason: Doubt) -> None:
    assert doubt(raw) == reason


def test_older_senders_say_nothing_by_their_order() -> None:
    assert doubt(NATIONAL.replace(b"ORC|RE", b"ORC|SC")) is None
    assert doubt(PLAIN.replace(b"ORC|RE", b"ORC|CA")) is None


def test_a_message_of_a_cut_file_is_held() -> None:
    assert doubt(PLAIN, is_cut=True) == screening.TRUNCATED


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", screening.UNREADABLE),
        (PLAIN + b" " * LIMIT, screening.TOO_LARGE),
        (PLAIN.replace(b"|SIL^", b"|AUTRE^"), screening.OTHER_SENDER),
        (PLAIN.replace(b"|LABO|ETIQUETTE", b"||ETIQUETTE"), screening.OTHER_SENDER),
        (PLAIN.replace(b"ORU^R01", b"ORU^R30"), screening.OTHER_TYPE),
        (PLAIN.replace(b"|P|2.5", b"|T|2.5"), screening.OTHER_MODE),
        (PLAIN.replace(b"|P|2.5", b"||2.5"), screening.OTHER_MODE),
    ],
)
def test_each_refusal_has_its_reason(raw: bytes, reason: Refused) -> None:
    assert refusal(raw) == reason


def test_a_test_message_passes_where_nothing_is_real() -> None:
    demonstration = Connection(name="demo", zone=SIL.zone, is_production=False)
    assert refusal(PLAIN.replace(b"|P|2.5", b"|T|2.5"), demonstration) is None
