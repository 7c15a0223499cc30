"""What a message must be before anyone asks whose it is."""

from dataclasses import dataclass

from results.exchange.connections import Connection
from results.exchange.matching import Doubt
from results.hl7v2.lines import Defect
from results.hl7v2.reader import Message, Segment
from results.hl7v2.values import document
from results.reports.sorting import Fragment, is_flag

#: Bytes of one message.
LIMIT = 16 * 2**20
_NATIONAL = "CISIS_CDA_HL7_V2"
_AGREEING = {"NW": "F", "RO": "C", "CA": "D"}


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Why a message is not taken; its bytes are kept sealed all the same."""

    #: French, without any name or number.
    reason: str
    #: Code of table 0357 for the sender.
    error: int


UNREADABLE = Refused(reason="Le fichier n'est pas un message HL7.", error=100)
TOO_LARGE = Refused(reason="Le message dépasse 16 Mio.", error=207)
OTHER_TYPE = Refused(reason="Ce type de message n'est pas pris ici : seuls les résultats (ORU^R01) le sont.", error=200)
OTHER_MODE = Refused(reason="Le message est marqué comme un essai.", error=202)
OTHER_SENDER = Refused(reason="L'expéditeur n'est pas celui de cette connexion.", error=207)

TRUNCATED = Doubt(reason="Le message est tronqué : sa fin manque.")
DOCUMENT_TRUNCATED = Doubt(reason="Le document joint est tronqué.")
STRAY_TEXT = Doubt(reason="Du texte hors des segments suit un résultat.")
SEVERAL_HEADERS = Doubt(reason="Le message a plusieurs en-têtes.")
NO_RESULT = Doubt(reason="Le message ne contient aucun résultat.")
ORDER_DISAGREES = Doubt(reason="Le statut de la demande et celui du résultat se contredisent.")


def refusal_of(message: Message, connection: Connection, *, size: int) -> Refused | None:
    """Why a message is not for this connection, None when it is.

    Args:
        message: what came.
        connection: its settings.
        size: bytes.
    """
    header = message["MSH"]
    said = (header[3].code, header[4].code)
    asked = (connection.application, connection.facility)
    kind = (header[9].comp(1).strip(), header[9].comp(2).strip())
    reasons = (
        (size > LIMIT, TOO_LARGE),
        (Defect.NO_HEADER in message.defects, UNREADABLE),
        (any(ask not in {None, claim} for ask, claim in zip(asked, said, strict=True)), OTHER_SENDER),
        (kind != ("ORU", "R01"), OTHER_TYPE),
        (connection.is_production and header[11].code != "P", OTHER_MODE),
    )
    return next((reason for holds, reason in reasons if holds), None)


def doubt_of_form(message: Message, parts: list[Fragment], *, is_cut: bool) -> Doubt | None:
    """What in a message's form keeps it from being filed, None when nothing does.

    Args:
        message: what came.
        parts: its reports.
        is_cut: whether the file that held it ends before its envelope does.
    """
    results = [segment for segment in message.each("OBX") if not is_flag(segment)]
    documents = (document(segment[5]) for segment in results if segment[2].code.upper() == "ED")
    reasons = (
        (is_cut or Defect.TRUNCATED in message.defects, TRUNCATED),
        (Defect.SEVERAL_HEADERS in message.defects, SEVERAL_HEADERS),
        (Defect.STRAY_RESULT in message.defects, STRAY_TEXT),
        (not parts or not (results or is_visibility_alone(message)), NO_RESULT),
        (any(one.truncated for one in documents), DOCUMENT_TRUNCATED),
        (any(_disagrees(message, part) for part in parts), ORDER_DISAGREES),
    )
    return next((reason for holds, reason in reasons if holds), None)


def is_visibility_alone(message: Message) -> bool:
    """Whether a message speaks of a report's visibility and of no result."""
    lines = message.all("OBX")
    return bool(lines) and all(is_flag(segment) for segment in lines)


def _disagrees(message: Message, part: Fragment) -> bool:
    """Whether ORC-1 and OBX-11 of a national CDA message say different things; SC says nothing."""
    if not any(rep.comp(1).strip() == _NATIONAL for rep in message["MSH"][21].reps):
        return False
    segments: list[Segment] = [message.segments[index] for index in part.indexes]
    expected = {
        _AGREEING[code] for segment in segments if segment.name == "ORC" and (code := segment[1].code) in _AGREEING
    }
    statuses = {segment[11].code for segment in segments if segment.name == "OBX" and not is_flag(segment)}
    return bool(expected) and statuses != expected
