"""A proved picture becomes ESC/POS bytes, ready for one write."""

import contextlib
import io
import os
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from PIL import Image

from printers.paper import Form

RESET = b"\x1b@"
FRAGMENT_ROWS = 200  #: rows of one GS v 0; small printers lose larger ones
NEXT_LABEL = b"\x1c(L\x02\x00B1"  #: FS ( L fn 66: feed to the cutting position, on to the next label if already there
THIS_LABEL = b"\x1c(L\x02\x00B0"  #: the same, but stay if already there
CUT = b"\x1dVB\x00"  #: GS V 66: feed to the knife and cut
STATUS_REQUESTS = tuple(bytes((0x10, 0x04, n)) for n in (1, 2, 3, 4))  #: DLE EOT
ASK_MODEL = b"\x1dIC"  #: GS I 67: the printer's name
ASK_FIRMWARE = b"\x1dIA"  #: GS I 65

_loading = threading.Lock()  # each printer's owner may be the first to need the library


def escpos(image: Image.Image, form: Form, *, cut: bool = True) -> bytes:
    """Reset, the dots in fragments, and the label's feed or the roll's cut; the process ID comes after."""
    paper = _dummy()
    paper.image(image, impl="bitImageRaster", fragment_height=FRAGMENT_ROWS)
    tear_off = CUT if cut else b"\n\n\n\n"
    return RESET + bytes(paper.output) + (tear_off if form.height is None else NEXT_LABEL)


def ask_process_id(pid: bytes) -> bytes:
    """GS ( H fn 48: answer these four characters once everything before is on paper."""
    if len(pid) != 4 or not all(0x20 <= byte <= 0x7E for byte in pid):
        raise ValueError("a process ID is four printable characters")
    return b"\x1d(H\x06\x0000" + pid


def resynchronise(form: Form) -> bytes:
    """Bytes that bring a printer back to commands after a stream that was cut in the middle.

    A raster that lacks dots would swallow the next paper. White dots fill it up; outside a raster they are NUL bytes,
    which ESC/POS ignores. What was half printed is moved away so that the next paper stands alone.
    """
    unfinished = FRAGMENT_ROWS * ((form.width + 7) // 8) + 16  # a whole fragment, and the header that announced it
    return bytes(unfinished) + RESET + (CUT if form.height is None else THIS_LABEL)


def _dummy() -> Any:
    with _loading:
        dummy_class, profile = _library()
    return dummy_class(profile=profile())


@cache
def _library() -> tuple[Callable[..., Any], Callable[[], Any]]:
    """python-escpos, imported late and kept quiet: it costs 0.25 s, leaves a folder per process and prints."""
    with contextlib.ExitStack() as stack:
        # It makes a temporary folder even when told where to write, and unpickles what it finds there:
        # a folder that was born empty and dies at once is safe.
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="etiquette-escpos-"))
        stack.callback(setattr, tempfile, "tempdir", tempfile.tempdir)
        tempfile.tempdir = folder
        stack.callback(os.environ.pop, "ESCPOS_CAPABILITIES_PICKLE_DIR", None)
        os.environ["ESCPOS_CAPABILITIES_PICKLE_DIR"] = folder
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        from escpos.capabilities import CAPABILITIES, Profile  # noqa: PLC0415 - late on purpose
        from escpos.printer import Dummy  # noqa: PLC0415

    class AnyWidth(Profile):  # type: ignore[misc]
        """The default profile without its width: the form knows it, and the library would print a remark."""

        profile_data = {**CAPABILITIES["profiles"]["default"], "media": {}}  # noqa: RUF012 - the library's shape

    return Dummy, AnyWidth
