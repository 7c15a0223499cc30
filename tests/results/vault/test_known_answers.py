"""Every sealed format gives the bytes that are written down, and refuses each change that is listed."""

import hashlib
import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from kiosk.formats.canonical import canonical, canonical_row, read_canonical
from kiosk.formats.damm import check_digit, is_valid
from results.vault import envelopes, wraps
from results.vault.codes import PinTooEasy, check_pin, read_code, with_check_digit, write_handle
from results.vault.envelopes import BodyKind, RawPart, RawSeal, ReportSeal, SignedFacts
from results.vault.keytext import KeyText, open_private, wrap_private
from results.vault.sealing import (
    LINE_COST,
    PASSPHRASE_COST,
    Cost,
    DoesNotOpen,
    Purpose,
    authenticate,
    box,
    check_signature,
    derive,
    label,
    public_of,
    seal,
    sign,
    stretch,
    verifier_of,
)
from tests.results.vault.vectors import DESIGN, OWN, SMALL, dealt, read_vectors

COSTS = {"small, for tests only": (SMALL, SMALL), "real": (LINE_COST, PASSPHRASE_COST)}


@pytest.fixture(scope="module", params=[OWN, DESIGN], ids=["own", "design"])
def v(request: pytest.FixtureRequest) -> dict[str, Any]:
    if not request.param.exists():
        pytest.skip("the design notes do not lie beside this repository")
    return read_vectors(request.param)


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


def subkey(v: dict[str, Any], purpose: Purpose) -> bytes:
    return derive(raw(v["inputs"]["fields_key"]), purpose)


def line_of(v: dict[str, Any], number: int) -> wraps.Line:
    return wraps.Line(
        dossier=UUID(v["inputs"]["dossier"]),
        slip=UUID(v["inputs"]["slip"]),
        line=number,
        pepper_version=v["inputs"]["pepper_version"],
    )


def report_seal(v: dict[str, Any], report: dict[str, Any]) -> ReportSeal:
    return ReportSeal(
        report=UUID(report["report"]),
        dossier=UUID(report["dossier"]),
        version=report["version"],
        rank=report["class"],
        matrix_version=v["inputs"]["matrix_version"],
    )


def small_of(line: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in line["variants"] if one["name"] in COSTS and one["name"] != "real")
    return found


def test_public_keys_come_from_their_private_halves(v: dict[str, Any]) -> None:
    for name in ("dossier", "escrow", "release"):
        assert public_of(raw(v["inputs"][f"{name}_private_key"])).hex() == v["public_keys"][name]
    signer = verifier_of(raw(v["inputs"]["signer_seed"]))
    assert signer.hex() == v["public_keys"]["signer"]
    assert hashlib.sha256(signer).hexdigest() == v["public_keys"]["signer_fingerprint"]


def test_each_purpose_has_its_own_subkey(v: dict[str, Any]) -> None:
    assert {purpose.value for purpose in Purpose} == set(v["subkeys"])
    for purpose in Purpose:
        assert label(purpose.value).hex() == v["subkeys"][purpose.value]["info"]
        assert subkey(v, purpose).hex() == v["subkeys"][purpose.value]["key"]


def test_check_digits_are_those_written_down(v: dict[str, Any]) -> None:
    for case in v["damm"]["valid"]:
        assert with_check_digit(case["digits"]) == case["digits"] + case["check"]
    for case in v["damm"]["invalid"]:
        assert check_digit(case["whole"]) == case["residue"] != "0"
    for case in v["damm"]["too_short"]:
        assert check_digit(case["whole"]) == "0"
        assert not is_valid(case["whole"], 16)
    handle = v["inputs"]["handle"]
    assert write_handle(handle)[-1] == v["inputs"]["handle_check_digit"]


def test_pins_made_of_the_birth_date_are_refused(v: dict[str, Any]) -> None:
    for pin in v["pin"]["refused"]:
        with pytest.raises(PinTooEasy):
            check_pin(pin, v["pin"]["birth_date"])
    check_pin(v["inputs"]["pin"], v["inputs"]["birth_date"])


def test_a_dossier_key_is_vouched_for_and_shared_with_the_biologists(v: dict[str, Any]) -> None:
    dossier, private = UUID(v["inputs"]["dossier"]), raw(v["inputs"]["dossier_private_key"])
    public, escrow = raw(v["public_keys"]["dossier"]), raw(v["inputs"]["escrow_private_key"])
    mac = wraps.vouch(dossier, public, subkey=subkey(v, Purpose.DOSSIER_KEY))
    assert (dossier.bytes + public).hex() == v["dossier"]["mac_input"]
    assert mac.hex() == v["dossier"]["mac"]
    wraps.check_vouched(dossier, public, mac, subkey=subkey(v, Purpose.DOSSIER_KEY))
    known = v["dossier"]["escrow_share"]
    share = wraps.share_with_escrow(
        dossier, private, escrow_public=public_of(escrow), chance=dealt(known["ephemeral_private_key"])
    )
    assert share.hex() == known["stored"]
    assert len(share) == known["stored_length"] == 97
    assert wraps.open_share(dossier, share, escrow_private=escrow, public=public) == private


@pytest.mark.parametrize("variant", COSTS)
def test_a_line_wraps_the_dossier_key(v: dict[str, Any], variant: str) -> None:
    pepper, private = raw(v["inputs"]["pepper"]), raw(v["inputs"]["dossier_private_key"])
    for known in v["lines"]:
        line, code15 = line_of(v, known["line"]), read_code(known["code_with_check_digit"])
        answer = next(one for one in known["variants"] if one["name"] == variant)
        k = wraps.stretch_code(code15, v["inputs"]["pin"], raw(known["salt"]), cost=COSTS[variant][0])
        assert k.hex() == answer["k"]
        assert wraps.mix_pepper(line, k, pepper).hex() == answer["kek"]
        assert line.bound_data().hex() == known["wrap_aad"]
        stored = wraps.wrap_key(line, private, k=k, pepper=pepper, chance=dealt(known["wrap_nonce"]))
        assert stored.hex() == answer["stored"]
        assert len(stored) == answer["stored_length"] == 74
        public = raw(v["public_keys"]["dossier"])
        assert wraps.unwrap_key(line, stored, k=k, pepper=pepper, public=public) == private


def test_the_real_cost_is_the_default_and_the_one_written_down(v: dict[str, Any]) -> None:
    real = next(one for one in v["lines"][0]["variants"] if one["name"] == "real")["argon2"]
    assert Cost(memory_kib=real["memory_kib"], passes=real["time"], lanes=real["lanes"]) == LINE_COST
    k = wraps.stretch_code(
        read_code(v["lines"][0]["code_with_check_digit"]), v["inputs"]["pin"], raw(v["lines"][0]["salt"])
    )
    assert k.hex() == next(one for one in v["lines"][0]["variants"] if one["name"] == "real")["k"]


def test_a_report_is_sealed_copied_and_signed(v: dict[str, Any]) -> None:
    for known in v["reports"]:
        bound = report_seal(v, known)
        assert bound.bound_data().hex() == known["body_aad"]
        sealed = envelopes.seal_body(
            bound,
            BodyKind(known["kind"]),
            raw(known["content"]),
            chance=dealt(known["nonce32"], known["dek"], known["body_nonce"]),
        )
        assert_stored(sealed.stored, known)
        assert sealed.commitment.hex() == known["commitment"]
        body = envelopes.open_body(bound, sealed.stored, sealed.dek)
        assert (body.kind, body.content, body.commitment) == (known["kind"], raw(known["content"]), sealed.commitment)
        assert_copy(v, known, UUID(known["report"]), known["version"])
        if "signature" in known:
            facts = SignedFacts(
                report=bound.report,
                dossier=bound.dossier,
                version=bound.version,
                rank=bound.rank,
                not_before=known["not_before"],
                commitment=sealed.commitment,
                signer=UUID(v["inputs"]["signer"]),
                signed_at=known["signed_at"],
            )
            assert facts.message().hex() == known["signed_message"]
            signature = envelopes.sign_report(facts, raw(v["inputs"]["signer_seed"]))
            assert signature.hex() == known["signature"]
            envelopes.check_report(facts, body, signature, raw(v["public_keys"]["signer"]))


def test_a_raw_message_is_sealed_and_copied(v: dict[str, Any]) -> None:
    for known in v["raw"]:
        bound = RawSeal(message=UUID(known["message"]), part=RawPart(known["part"]), rank=known["class"])
        assert bound.bound_data().hex() == known["body_aad"]
        sealed = envelopes.seal_body(
            bound,
            BodyKind(known["kind"]),
            raw(known["content"]),
            chance=dealt(known["nonce32"], known["dek"], known["body_nonce"]),
        )
        assert_stored(sealed.stored, known)
        assert envelopes.open_body(bound, sealed.stored, sealed.dek).content == raw(known["content"])
        assert_copy(v, known, UUID(known["message"]), 0)


def assert_stored(stored: bytes, known: dict[str, Any]) -> None:
    assert len(stored) == known["stored_length"] == known["bucket"] + 41
    assert stored[:64].hex() == known["stored_first_64"]
    assert stored[-16:].hex() == known["stored_tag"]
    assert hashlib.sha256(stored).hexdigest() == known["stored_sha256"]


def assert_copy(v: dict[str, Any], known: dict[str, Any], item: UUID, version: int) -> None:
    copy = known["copy"]
    recipient = raw(v["public_keys"][copy["recipient"]])
    stored = envelopes.copy_key(
        item, version, raw(known["dek"]), recipient=recipient, chance=dealt(copy["ephemeral_private_key"])
    )
    assert stored.hex() == copy["stored"]
    assert len(stored) == copy["stored_length"] == 101
    private = raw(v["inputs"][f"{copy['recipient']}_private_key"])
    assert envelopes.open_copy(item, version, stored, private=private).hex() == known["dek"]


def test_a_sealed_column_opens_in_its_place(v: dict[str, Any]) -> None:
    key = subkey(v, Purpose.COLUMN)
    for known in v["columns"]:
        place = (known["table"], known["column"], UUID(known["row"]))
        assert envelopes.column_bound(*place).hex() == known["aad"]
        stored = envelopes.seal_column(place, raw(known["value"]), subkey=key, chance=dealt(known["nonce"]))
        assert stored.hex() == known["stored"]
        assert envelopes.open_column(place, stored, subkey=key) == raw(known["value"])


def test_search_keys_are_those_written_down(v: dict[str, Any]) -> None:
    dossier, known = UUID(v["inputs"]["dossier"]), v["search"]
    birth = subkey(v, Purpose.BIRTH_DATE)
    handle_key = envelopes.search_handle(v["inputs"]["handle"], subkey=subkey(v, Purpose.HANDLE))
    assert handle_key.hex() == known["handle_key"]
    check = envelopes.check_of_birth_date(dossier, v["inputs"]["birth_date"], subkey=birth)
    assert check.hex() == known["birth_date_check"]
    unknown_day = known["birth_date_day_unknown"]
    check = envelopes.check_of_birth_date(dossier, unknown_day["birth_date"], subkey=birth)
    assert check.hex() == unknown_day["check"]
    message = envelopes.key_of_message(raw(v["raw"][0]["content"]), subkey=subkey(v, Purpose.MESSAGE))
    assert message.hex() == known["message_key"]


def test_a_row_that_gives_power_is_signed_and_vouched_for(v: dict[str, Any]) -> None:
    known = v["power_row"]
    columns = {name: value for name, value in known["columns"].items() if name != "table"}
    table = known["columns"]["table"]
    message = label("grant") + canonical_row(table, columns)
    assert message.hex() == known["signed_message"]
    signature = sign(raw(v["inputs"]["signer_seed"]), message)
    assert signature.hex() == known["signature"]
    row = canonical_row(table, columns | {"signature": signature})
    assert row.hex() == known["canonical_row"]
    assert authenticate(subkey(v, Purpose.POWER), row).hex() == known["mac"]


def test_a_matrix_is_signed_as_written_down(v: dict[str, Any]) -> None:
    previous = bytes(32).hex()
    for known in v["matrix"]:
        data = known["json"].encode()
        assert canonical(read_canonical(data)) == data
        assert read_canonical(data)["previous"] == previous
        previous = hashlib.sha256(data).hexdigest()
        assert previous == known["sha256"]
        assert (label("matrix") + data).hex() == known["signed_message"]
        assert sign(raw(v["inputs"]["signer_seed"]), label("matrix") + data).hex() == known["signature"]


@pytest.mark.parametrize("variant", COSTS)
def test_a_private_key_lies_in_its_file_under_a_passphrase(v: dict[str, Any], variant: str) -> None:
    known, cost = v["key_file"], COSTS[variant][1]
    answer = next(one for one in known["variants"] if one["name"] == variant)
    assert stretch(raw(known["passphrase"]), raw(known["salt"]), cost=cost).hex() == answer["key"]
    text = wrap_private(
        "signer",
        "lenoir",
        raw(known["private_key"]),
        raw(known["passphrase"]),
        cost=cost,
        chance=dealt(known["salt"], known["nonce"]),
    )
    assert text.head() == answer["aad_text"]
    assert text.whole() == answer["file"]
    read = KeyText.read("signer.lenoir.wrapped", answer["file"])
    assert open_private(read, raw(known["passphrase"]), cost=cost).hex() == known["private_key"]


def test_a_key_file_of_a_small_cost_is_refused_by_the_real_one(v: dict[str, Any]) -> None:
    known = v["key_file"]
    cheap = next(one for one in known["variants"] if one["name"] != "real")
    text = KeyText.read("signer.lenoir.wrapped", cheap["file"])
    with pytest.raises(DoesNotOpen):
        open_private(text, raw(known["passphrase"]), cost=PASSPHRASE_COST)


def test_a_line_opens_for_nothing_but_its_own_code_pin_slip_and_pepper(v: dict[str, Any]) -> None:
    pepper, public = raw(v["inputs"]["pepper"]), raw(v["public_keys"]["dossier"])
    known, code15 = v["lines"][0], read_code(v["lines"][0]["code_with_check_digit"])
    k, stored = raw(small_of(known)["k"]), raw(small_of(known)["stored"])
    other_pin = f"{(int(v['inputs']['pin']) + 1) % 10_000:04d}"
    wrong_pin = wraps.stretch_code(code15, other_pin, raw(known["salt"]), cost=SMALL)
    no_pin = stretch(f"{code15}|".encode(), raw(known["salt"]), cost=SMALL)
    assert wrong_pin != k != no_pin
    line = line_of(v, 1)
    tried = {
        "wrong PIN": (line, wrong_pin, stored),
        "no PIN": (line, no_pin, stored),
        "the wrap of line 2": (line, k, raw(small_of(v["lines"][1])["stored"])),
        "another pepper version": (replace(line, pepper_version=line.pepper_version + 1), k, stored),
        "another slip": (replace(line, slip=UUID(int=7)), k, stored),
        "another dossier": (replace(line, dossier=UUID(int=7)), k, stored),
        "no form byte": (line, k, stored[1:]),
        "the form of later": (line, k, b"\x02" + stored[1:]),
        "nothing": (line, k, b""),
        "the last bit": (line, k, stored[:-1] + bytes([stored[-1] ^ 1])),
    }
    assert wraps.unwrap_key(line, stored, k=k, pepper=pepper, public=public)
    for what, (bound, tried_k, tried_wrap) in tried.items():
        with pytest.raises(DoesNotOpen):
            pytest.fail(what + str(wraps.unwrap_key(bound, tried_wrap, k=tried_k, pepper=pepper, public=public)))
    with pytest.raises(DoesNotOpen):
        wraps.unwrap_key(line, stored, k=k, pepper=bytes(32), public=public)


def test_a_wrap_of_another_kind_or_of_another_key_is_refused(v: dict[str, Any]) -> None:
    pepper, private = raw(v["inputs"]["pepper"]), raw(v["inputs"]["dossier_private_key"])
    public, line = raw(v["public_keys"]["dossier"]), line_of(v, 1)
    k = raw(small_of(v["lines"][0])["k"])
    kek = wraps.mix_pepper(line, k, pepper)
    for content in (b"\x02" + private, b"\x01" + private + b"\x00", b"\x01" + bytes(range(32))):
        stored = seal(kek, content, line.bound_data(), chance=dealt(bytes(24)))
        with pytest.raises(DoesNotOpen):
            wraps.unwrap_key(line, stored, k=k, pepper=pepper, public=public)


def test_a_share_for_another_dossier_or_of_another_key_is_refused(v: dict[str, Any]) -> None:
    private, public = raw(v["inputs"]["dossier_private_key"]), raw(v["public_keys"]["dossier"])
    escrow, dossier = raw(v["inputs"]["escrow_private_key"]), UUID(v["inputs"]["dossier"])
    of_another = wraps.share_with_escrow(
        UUID(int=7), private, escrow_public=public_of(escrow), chance=dealt(bytes(range(32)))
    )
    of_another_key = wraps.share_with_escrow(
        dossier, bytes(range(32)), escrow_public=public_of(escrow), chance=dealt(bytes(range(32)))
    )
    stored = raw(v["dossier"]["escrow_share"]["stored"])
    for share in (of_another, of_another_key, stored[:-1], b""):
        with pytest.raises(DoesNotOpen):
            wraps.open_share(dossier, share, escrow_private=escrow, public=public)
    with pytest.raises(DoesNotOpen):
        wraps.open_share(dossier, stored, escrow_private=bytes(range(32)), public=public)


def test_a_swapped_public_key_is_noticed_before_anything_is_sealed_to_it(v: dict[str, Any]) -> None:
    key, dossier = subkey(v, Purpose.DOSSIER_KEY), UUID(v["inputs"]["dossier"])
    with pytest.raises(DoesNotOpen):
        wraps.check_vouched(dossier, raw(v["public_keys"]["escrow"]), raw(v["dossier"]["mac"]), subkey=key)


def test_a_copy_for_another_report_or_version_is_refused(v: dict[str, Any]) -> None:
    known = v["reports"][0]
    private = raw(v["inputs"]["dossier_private_key"])
    report, version, stored = UUID(known["report"]), known["version"], raw(known["copy"]["stored"])
    with pytest.raises(DoesNotOpen):
        envelopes.open_copy(UUID(int=7), version, stored, private=private)
    with pytest.raises(DoesNotOpen):
        envelopes.open_copy(report, version + 1, stored, private=private)
    longer = box(public_of(private), raw(known["copy"]["plaintext"]) + b"\x00", chance=dealt(bytes(range(32))))
    with pytest.raises(DoesNotOpen):
        envelopes.open_copy(report, version, longer, private=private)


def test_a_body_opens_under_its_own_class_matrix_version_and_dossier_alone(v: dict[str, Any]) -> None:
    known = v["reports"][0]
    sealed = envelopes.seal_body(
        report_seal(v, known),
        BodyKind(known["kind"]),
        raw(known["content"]),
        chance=dealt(known["nonce32"], known["dek"], known["body_nonce"]),
    )
    for other in (
        {"rank": 0},
        {"matrix_version": 8_000},
        {"version": known["version"] + 1},
        {"dossier": UUID(int=7)},
        {"report": UUID(int=7)},
    ):
        with pytest.raises(DoesNotOpen):
            envelopes.open_body(replace(report_seal(v, known), **other), sealed.stored, sealed.dek)


def test_a_length_that_is_not_the_bodys_is_refused(v: dict[str, Any]) -> None:
    known = v["reports"][0]
    bound, dek = report_seal(v, known), raw(known["dek"])
    header, content = raw(known["header"]), raw(known["content"])
    too_long = header[:32] + (65536 - 37 + 1).to_bytes(4, "big") + header[36:]
    hidden = header[:32] + (len(content) - 1).to_bytes(4, "big") + header[36:]
    no_kind = header[:36] + b"\x09"
    for changed in (too_long, hidden, no_kind):
        plaintext = (changed + content).ljust(65536, b"\x00")
        stored = seal(dek, plaintext, bound.bound_data(), chance=dealt(bytes(24)))
        with pytest.raises(DoesNotOpen):
            envelopes.open_body(bound, stored, dek)
    with pytest.raises(DoesNotOpen):
        envelopes.open_body(bound, seal(dek, b"short", bound.bound_data(), chance=dealt(bytes(24))), dek)


def test_a_signature_holds_every_fact_and_the_very_content(v: dict[str, Any]) -> None:
    known = v["reports"][0]
    verifier, signature = raw(v["public_keys"]["signer"]), raw(known["signature"])
    message = raw(known["signed_message"])
    check_signature(verifier, message, signature)
    for place in range(len(message)):
        changed = message[:place] + bytes([message[place] ^ 1]) + message[place + 1 :]
        with pytest.raises(DoesNotOpen):
            check_signature(verifier, changed, signature)
    with pytest.raises(DoesNotOpen):
        check_signature(verifier, message, signature[:-1])
    facts = SignedFacts(
        report=UUID(known["report"]),
        dossier=UUID(known["dossier"]),
        version=known["version"],
        rank=known["class"],
        not_before=known["not_before"],
        commitment=raw(known["commitment"]),
        signer=UUID(v["inputs"]["signer"]),
        signed_at=known["signed_at"],
    )
    told = envelopes.Body(kind=BodyKind.TEXT, content=raw(known["content"]), commitment=facts.commitment)
    envelopes.check_report(facts, told, signature, verifier)
    swapped = envelopes.Body(kind=BodyKind.TEXT, content=b"", commitment=bytes(32))
    with pytest.raises(DoesNotOpen):
        envelopes.check_report(facts, swapped, signature, verifier)


def test_the_files_speak_of_the_same_things() -> None:
    if not DESIGN.exists():
        pytest.skip("the design notes do not lie beside this repository")
    own, design = read_vectors(OWN), read_vectors(DESIGN)
    assert set(own) == set(design) - {"title", "format", "about", "refusals"}
    assert json.dumps(own["inputs"]) != json.dumps(design["inputs"])
