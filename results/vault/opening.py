"""Sealed reports are read back: opened with the key that fits their class, and only if their signature holds."""

from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from results.reports.versions import Part, Recipient, ReportVersion, SealedKey
from results.vault.dossiers import Dossier, EscrowShare
from results.vault.envelopes import NOBODY, Body, ReportSeal, SignedFacts, check_report, open_body, open_copy
from results.vault.keys import BiologistKeys, KeyRing
from results.vault.sealing import DoesNotOpen
from results.vault.wraps import open_share

Items = Sequence[tuple[UUID, int]]
Verifiers = Callable[[UUID, bytes], bytes | None]


def open_by_escrow(db: Session, dossier: Dossier, biologist: BiologistKeys) -> bytes:
    """Give a biologist the dossier's private key; the caller has written why in the journal.

    Raises:
        DoesNotOpen: no share for a key that the biologist holds, or not this dossier's.
    """
    for share in db.scalars(select(EscrowShare).where(EscrowShare.dossier_id == dossier.id)):
        private = biologist.escrow.get(share.key_version)
        if private is not None:
            return open_share(dossier.id, share.box, escrow_private=private, public=dossier.public)
    raise DoesNotOpen


def open_reports(
    db: Session, keys: KeyRing, items: Items, *, private: bytes | None, verifiers: Verifiers
) -> tuple[Body, ...]:
    """Open signed report versions, in the order asked.

    Args:
        db: a session that may read the results.
        keys: the staff programme's keys, for C0 and C1.
        items: report and version.
        private: the dossier's private key, for C2 and above; None when only C0 and C1 are asked.
        verifiers: signer and signature -> Ed25519 public key; None when it counts for nothing.

    Raises:
        DoesNotOpen: one of them is missing, not signed by a known signer, or does not open.
    """
    bodies = []
    for report_id, number in items:
        version = db.get(ReportVersion, (report_id, number))
        if version is None or version.signer is None or version.signature is None:
            raise DoesNotOpen
        verifier = verifiers(version.signer, version.signature)
        if verifier is None:
            raise DoesNotOpen
        body = open_version(db, keys, version, private=private)
        check_report(signed_facts(version), body, version.signature, verifier)
        bodies.append(body)
    return tuple(bodies)


def open_version(
    db: Session,
    keys: KeyRing,
    version: ReportVersion,
    *,
    private: bytes | None = None,
    biologist: BiologistKeys | None = None,
) -> Body:
    """Open one version's body with whichever key is held, before or after its signature.

    Raises:
        DoesNotOpen: no copy for a key that is held.
    """
    copies = select(SealedKey).where(
        SealedKey.item == version.report_id, SealedKey.version == version.version, SealedKey.part == Part.BODY
    )
    for copy in db.scalars(copies):
        key = {
            Recipient.RELEASE: keys.release.get(copy.key_version),
            Recipient.DOSSIER: private,
            Recipient.ESCROW: None if biologist is None else biologist.escrow.get(copy.key_version),
        }[copy.recipient]
        if key is not None:
            dek = open_copy(version.report_id, version.version, copy.box, private=key)
            return open_body(seal_of(version), version.body, dek)
    raise DoesNotOpen


def seal_of(version: ReportVersion) -> ReportSeal:
    """What a stored version's body is bound to."""
    return ReportSeal(
        report=version.report_id,
        dossier=version.dossier or NOBODY,
        version=version.version,
        rank=version.rank,
        matrix_version=version.matrix_version,
    )


def signed_facts(version: ReportVersion) -> SignedFacts:
    """What a stored version's signature holds together.

    Raises:
        DoesNotOpen: it is not signed.
    """
    if version.not_before is None or version.signed_at is None or not version.signer or not version.commitment:
        raise DoesNotOpen
    return SignedFacts(
        report=version.report_id,
        dossier=version.dossier or NOBODY,
        version=version.version,
        rank=version.rank,
        not_before=int(version.not_before.timestamp()),
        commitment=version.commitment,
        signer=version.signer,
        signed_at=int(version.signed_at.timestamp()),
    )
