"""Seals what comes in to those who may open it: the release desk, a dossier, or the biologists alone."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from kiosk.register.clock import Chance
from results.exchange.matching import Dossier
from results.hl7v2.reader import Message
from results.reports.versions import Part, Recipient, ReportVersion, SealedKey
from results.vault.envelopes import NOBODY, BodyKind, RawPart, RawSeal, ReportSeal, SealedBody, copy_key, seal_body
from results.vault.keys import ExchangeKeys
from results.vault.sealing import DoesNotOpen
from results.vault.wraps import check_vouched

#: The size that everything held or refused is padded to: it tells no class.
_UNKNOWN_RANK = 5
#: The largest bucket of confidential bodies.
_LARGEST = 32 * 2**20 - 64


@dataclass(frozen=True, kw_only=True, repr=False)
class Sealer:
    """The laboratory line's keys at work on one message."""

    db: Session
    keys: ExchangeKeys
    matrix_version: int
    chance: Chance

    def is_ours(self, dossier: Dossier) -> bool:
        """Whether the house vouches for a dossier's public key; nothing is sealed to another."""
        for subkey in self.keys.dossier_subkey.values():
            try:
                check_vouched(dossier.id, dossier.public, dossier.mac, subkey=subkey)
            except DoesNotOpen:
                continue
            return True
        return False

    def seal_raw(self, message: UUID, raw: bytes, *, rank: int, is_matched: bool) -> bytes:
        """Seal a whole message: to the release desk when it is matched and holds C0 and C1 alone, else to escrow."""
        is_ordinary = is_matched and rank <= 1
        size = 0 if len(raw) > _LARGEST else rank if is_matched else _UNKNOWN_RANK
        bound = RawSeal(message=message, part=RawPart.WHOLE, rank=size)
        sealed = seal_body(bound, BodyKind.MESSAGE, raw, chance=self.chance)
        self._copy((message, 0, Part.RAW), sealed, Recipient.RELEASE if is_ordinary else Recipient.ESCROW)
        return sealed.stored

    def seal_identity(self, message_id: UUID, message: Message) -> bytes | None:
        """Seal who and which samples, so that a secretary can match without seeing any exam."""
        said = identity_words(message)
        if not said:
            return None
        bound = RawSeal(message=message_id, part=RawPart.IDENTITY, rank=0)
        sealed = seal_body(bound, BodyKind.MESSAGE, said, chance=self.chance)
        self._copy((message_id, 0, Part.IDENTITY), sealed, Recipient.RELEASE)
        return sealed.stored

    def seal_report(self, version: ReportVersion, body: bytes, dossier: Dossier | None) -> bytes:
        """Seal one report: C0 and C1 to the release desk, the others to the dossier, an unmatched one to escrow."""
        bound = ReportSeal(
            report=version.report_id,
            dossier=dossier.id if dossier else NOBODY,
            version=version.version,
            rank=version.rank,
            matrix_version=version.matrix_version,
        )
        sealed = seal_body(bound, BodyKind.MESSAGE, body, chance=self.chance)
        recipient = Recipient.RELEASE if version.rank <= 1 else Recipient.DOSSIER
        recipient = recipient if dossier else Recipient.ESCROW
        self._copy((version.report_id, version.version, Part.BODY), sealed, recipient, dossier=dossier)
        return sealed.stored

    def _copy(
        self, place: tuple[UUID, int, Part], sealed: SealedBody, recipient: Recipient, *, dossier: Dossier | None = None
    ) -> None:
        item, version, part = place
        if recipient is Recipient.DOSSIER and dossier is not None:
            number, public = 0, dossier.public
        else:
            publics = self.keys.release_public if recipient is Recipient.RELEASE else self.keys.escrow_public
            number = max(publics)
            public = publics[number]
        box = copy_key(item, version, sealed.dek, recipient=public, chance=self.chance)
        self.db.add(SealedKey(item=item, version=version, part=part, recipient=recipient, key_version=number, box=box))


def identity_words(message: Message) -> bytes:
    """The patient's segments, then sample and order numbers alone."""
    marks = message.delimiters.field
    people = [segment.raw for segment in message.each("PID")]
    numbers = [
        marks.join((segment.name, "", segment[2].raw, segment[3].raw))
        for segment in message.segments
        if segment.name in {"ORC", "OBR"}
    ]
    samples = [marks.join(("SPM", "", segment[2].raw)) for segment in message.each("SPM")]
    header = marks.join(("MSH" + marks + message.delimiters.declared, "", ""))
    lines = [*people, *numbers, *samples]
    return "".join(line + "\r" for line in [header, *lines]).encode() if lines else b""
