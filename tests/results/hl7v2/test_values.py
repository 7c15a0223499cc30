import base64
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.hl7v2 import values
from results.hl7v2.escapes import STANDARD
from results.hl7v2.reader import Field, Message
from results.hl7v2.values import DocumentKind, Precision

PARIS = ZoneInfo("Europe/Paris")
MESSAGES = Path(__file__).parent / "messages"


def field(raw: str) -> Field:
    return Field(raw, STANDARD)


@pytest.mark.parametrize(
    ("text", "start", "precision", "day"),
    [
        ("2026", datetime(2025, 12, 31, 23, tzinfo=UTC), Precision.YEAR, "20260000"),
        ("202611", datetime(2026, 10, 31, 23, tzinfo=UTC), Precision.MONTH, "20261100"),
        (" 20261121 ", datetime(2026, 11, 20, 23, tzinfo=UTC), Precision.DAY, "20261121"),
        ("202611210930", datetime(2026, 11, 21, 8, 30, tzinfo=UTC), Precision.MINUTE, "20261121"),
        ("20260721093015", datetime(2026, 7, 21, 7, 30, 15, tzinfo=UTC), Precision.SECOND, "20260721"),
        ("20261121093015.5+0400", datetime(2026, 11, 21, 5, 30, 15, 500000, UTC), Precision.SECOND, "20261121"),
    ],
)
def test_a_time_keeps_its_precision_and_takes_the_sites_zone(
    text: str, start: datetime, precision: Precision, day: str
) -> None:
    found = values.moment(text, PARIS)
    assert found is not None
    assert (found.start, found.precision, found.day) == (start, precision, day)


@pytest.mark.parametrize(
    "text", ["", "0000", "20261301", "20260230", "demain", "2026112", "20261121093015+9900", "٢٠٢٦"]
)
def test_an_impossible_time_is_none(text: str) -> None:
    assert values.moment(text, PARIS) is None


@given(st.text(alphabet="0123456789+-.: ", max_size=30))
def test_reading_a_time_never_raises(text: str) -> None:
    values.moment(text, UTC)


def test_a_number_is_read_with_a_comma_or_not_at_all() -> None:
    assert values.number("1,20") == values.number("1.2") == Decimal("1.2")
    assert values.number("-0,5") == Decimal("-0.5")
    for text in (">100", "1 000", "1,2,3", "", "NaN", "1e9"):
        assert values.number(text) is None


def test_names_identifiers_and_codes_are_read() -> None:
    message = Message.read((MESSAGES / "plain.hl7").read_bytes())
    birth, used = (values.name(rep) for rep in message["PID"][5].reps)
    assert (birth.family, birth.given, birth.givens, birth.kind) == ("GARNIER", "Hélène", "Hélène Marie", "L")
    assert (used.family, used.kind) == ("MOREAU", "D")
    number = values.identifier(message["PID"][3].rep(0))
    assert (number.number, number.oid, number.kind) == ("P000123", "1.2.250.1.999.7", "PI")
    code = values.coded(field("2345-7^Glucose^LN^ 0552 ^Glycémie^NABM").rep(0))
    assert code.codes == ("2345-7", "0552")
    assert "GARNIER" not in repr(birth) + repr(number)


def test_a_document_is_what_its_first_bytes_say() -> None:
    message = Message.read((MESSAGES / "document.hl7").read_bytes())
    found = values.document(message["OBX"][5])
    assert found.kind is DocumentKind.XML
    assert found.content.endswith(b"</ClinicalDocument>")
    assert not found.truncated
    assert values.document(field("^TEXT^XML^^<?xml version='1.0'?><a/>")).kind is DocumentKind.XML
    pdf = base64.b64encode(b"%PDF-1.7 x").decode()
    assert values.document(field(f"^TEXT^XML^Base64^{pdf}")).kind is DocumentKind.PDF


@pytest.mark.parametrize("size", range(1, 40))
def test_base64_without_padding_or_with_line_ends_is_read(size: int) -> None:
    content = bytes(range(size))
    text = base64.b64encode(content).decode().rstrip("=")
    text = text[:7] + "\r\n " + text[7:]
    found = values.document(field(f"^a^b^BASE64^{text}"))
    assert found.content == content
    assert not found.truncated


def test_base64_that_cannot_be_whole_is_told() -> None:
    for text in ("QUJDR", "Q", "", "QU?D"):
        assert values.document(field(f"^a^b^Base64^{text}")).truncated


@pytest.mark.parametrize("whole", [b"<?xml version='1.0'?><a>text</a>\n", b"%PDF-1.7 text %%EOF\n"])
def test_a_document_cut_anywhere_in_its_base64_is_told(whole: bytes) -> None:
    text = base64.b64encode(whole).decode()
    assert not values.document(field(f"^a^b^Base64^{text}")).truncated
    for end in range(8, 25):
        assert values.document(field(f"^a^b^Base64^{text[:end]}")).truncated


@given(st.text(max_size=40))
def test_reading_a_document_never_raises(text: str) -> None:
    values.document(field(f"^a^b^Base64^{text}"))


@pytest.mark.parametrize(
    ("raw", "rpps"),
    [
        # By the authority's OID, whatever name it bears; the national identifier has an 8 before the number.
        ("10100000017^PETIT^Luc^^^^^^ASIP-SANTE- PS&1.2.250.1.71.4.2.1&ISO^D^^^RPPS", "10100000017"),
        ("810100000017^PETIT^Luc^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS", "10100000017"),
        (" 10100000017 ^PETIT^Luc^^^^^^^D^^^rpps", "10100000017"),
        # Another authority's number is no national one, whatever kind it claims.
        ("10100000017^PETIT^Luc^^^^^^LABO&1.2.250.1.999.1&ISO^D^^^RPPS", ""),
        ("10100000017^PETIT^Luc^^^^^^ASIP-SANTE-PS^D^^^EI", ""),
        ("10100000017^PETIT^Luc", ""),
        ("1010000001^PETIT^Luc^^^^^^&1.2.250.1.71.4.2.1&ISO", ""),
        ("910100000017^PETIT^Luc^^^^^^&1.2.250.1.71.4.2.1&ISO", ""),
        ("^PETIT^Luc^^^^^^&1.2.250.1.71.4.2.1&ISO", ""),
    ],
)
def test_a_prescriber_is_known_by_the_national_number_alone(raw: str, rpps: str) -> None:
    said = values.practitioner(field(raw).rep(0))
    assert (said.rpps, said.family, said.given) == (rpps, "PETIT", "Luc")
