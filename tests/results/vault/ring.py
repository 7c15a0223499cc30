"""A key ring for tests: real keys, Argon2id at its small cost."""

import random
from pathlib import Path

from results.vault.keys import BiologistKeys, KeyRing
from results.vault.sealing import make_pair, public_of, verifier_of
from tests.results.vault.vectors import SMALL


def make_ring(folder: Path, seed: int = 7) -> tuple[KeyRing, BiologistKeys]:
    """The staff programme's keys and those of Dr Lenoir; `folder` holds `matrix.head` alone."""
    draw = random.Random(seed).randbytes
    folder.mkdir(mode=0o700, exist_ok=True)
    escrow, signer = make_pair(draw), draw(32)
    ring = KeyRing(
        folder=folder,
        pepper={1: draw(32)},
        release={1: draw(32)},
        fields={1: draw(32)},
        journal={1: draw(32)},
        escrow_public={1: escrow.public},
        intake_public={1: verifier_of(draw(32))},
        signers={"lenoir": verifier_of(signer)},
        cookie=draw(32),
        line_cost=SMALL,
    )
    assert public_of(escrow.private) == escrow.public
    return ring, BiologistKeys(person="lenoir", escrow={1: escrow.private}, signer_seed=signer)
