"""Against a real IPP Everywhere printer: what it received is read again by others, and its own count proves it."""

import hashlib
import io
import logging
import ssl
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pypdf
import pytest
import zxingcpp
from PIL import Image

from printers.errors import WrongCertificate
from printers.moves import State
from printers.notices import make_test_page
from printers.office.talk import Talk
from printers.office.wire import fingerprint_of
from printers.paper import A4, Paper

if TYPE_CHECKING:
    Room = Any
    Ippeve = Any

Sheets = Callable[..., Paper]


def fingerprint(ippeve: "Ippeve") -> str:
    return fingerprint_of(ippeve.address) if ippeve.address.startswith("ipps") else ""


def seen(pdf: bytes) -> Image.Image:
    """The page as another programme draws it."""
    drawn = subprocess.run(["pdftoppm", "-r", "300", "-gray", "-"], input=pdf, capture_output=True, check=True)
    return Image.open(io.BytesIO(drawn.stdout))


def test_a_test_page_comes_out_and_its_proof_comes_back(room: "Room", ippeve: "Ippeve") -> None:
    owner = room.owner(ippeve.address, model=ippeve.model, fingerprint=fingerprint(ippeve))
    room.put(make_test_page("office", A4, "test/office/1", digits="263250100014"))
    room.work(owner, room.settled)
    assert room.states() == {"test/office/1": State.CONFIRMED}
    (page,) = ippeve.kept
    words = pypdf.PdfReader(page).pages[0].extract_text()
    assert "Page d'essai : office" in words
    assert "éèœ€ÿÇ ÀÉÎÔÛ 0O 1lI" in words
    codes = {symbol.text for symbol in zxingcpp.read_barcodes(seen(page.read_bytes()).crop((600, 1200, 1900, 2100)))}
    assert codes == {"263250100014", "ETQ TEST"}


def test_a_secret_paper_leaves_nothing_behind(
    room: "Room", ippeve: "Ippeve", sheets: Sheets, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    temporary = tmp_path_factory.mktemp("tmp")
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    caplog.set_level(logging.DEBUG)
    owner = room.owner(ippeve.address, model=ippeve.model, fingerprint=fingerprint(ippeve))
    room.put(sheets("ZQCANARI Yseult"))
    room.work(owner, room.settled)
    assert room.states() == {"report/1": State.CONFIRMED}
    (kept,) = ippeve.kept
    pages = [page.extract_text() for page in pypdf.PdfReader(kept).pages]
    assert pages == ["ZQCANARI Yseult, feuille 1 sur 2", "ZQCANARI Yseult, feuille 2 sur 2"]
    room.spool.close()
    files = [path for path in room.spool.path.parent.rglob("*") if path.is_file()] + list(temporary.rglob("*"))
    assert not [path for path in files if path.is_file() and b"ZQCANARI" in path.read_bytes()]
    assert "ZQCANARI" not in caplog.text
    told = (ippeve.folder / "log").read_text("utf-8", errors="replace")
    assert "ZQCANARI" not in told
    assert "report" not in told


def test_a_page_that_is_missing_is_told_to_a_person(room: "Room", ippeve: "Ippeve", sheets: Sheets) -> None:
    ippeve.say("pages -1")
    owner = room.owner(ippeve.address, model=ippeve.model, fingerprint=fingerprint(ippeve))
    room.put(sheets())
    room.work(owner, room.settled)
    assert (room.states(), room.causes()) == ({"report/1": State.UNSURE}, {"report/1": "fewer pages"})
    assert len(ippeve.kept) == 1


def test_out_of_paper_in_the_middle_is_waited_for(room: "Room", ippeve: "Ippeve", sheets: Sheets) -> None:
    ippeve.say("STATE: +media-empty", "wait paper", "STATE: -media-empty", "pages 0")
    owner = room.owner(ippeve.address, model=ippeve.model, fingerprint=fingerprint(ippeve))
    room.put(sheets(secret=False))
    room.work(owner, lambda: [each.cause for each in room.spool.printers()] == ["paper-out"])
    assert room.states() == {"report/1": State.SENT}
    (ippeve.folder / "paper").touch()
    room.work(owner, room.settled)
    assert room.states() == {"report/1": State.CONFIRMED}


def test_a_secret_paper_that_is_not_out_in_two_minutes_is_taken_back(
    room: "Room", ippeve: "Ippeve", sheets: Sheets
) -> None:
    ippeve.say("STATE: +media-jam", "wait for-ever")
    owner = room.owner(ippeve.address, model=ippeve.model, fingerprint=fingerprint(ippeve))
    room.put(sheets())
    room.pass_by(119.5)
    room.work(owner, room.settled)
    assert room.states() == {"report/1": State.UNSURE}
    talk = Talk(ippeve.address, fingerprint(ippeve), answer_s=2)
    told = talk.progress("", 1)
    (ippeve.folder / "for-ever").touch()
    assert told is not None
    assert told.reasons & {"job-canceled-by-user", "processing-to-stop-point"}


def test_another_certificate_gets_nothing(room: "Room", ippeve: "Ippeve", sheets: Sheets) -> None:
    if not ippeve.address.startswith("ipps"):
        assert fingerprint(ippeve) == ""
        return
    wrong = hashlib.sha256(b"somebody between").hexdigest()
    owner = room.owner(ippeve.address, model=ippeve.model, fingerprint=wrong)
    room.put(sheets())
    room.work(owner, lambda: room.states() == {"report/1": State.HELD})
    assert room.causes() == {"report/1": "certificate"}
    assert ippeve.kept == []
    with pytest.raises(WrongCertificate):
        Talk(ippeve.address, wrong, answer_s=2).look()
    port = int(ippeve.address.rsplit(":", 1)[1].split("/")[0])
    right = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("localhost", port)))
    assert fingerprint_of(ippeve.address) == hashlib.sha256(right).hexdigest()
