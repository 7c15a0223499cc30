import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from printers import encode
from printers.draw import draw
from printers.paper import LABEL_50X25, ROLL_80, Paper


def test_a_label_is_the_bytes_of_the_epson_table(label: Callable[..., Paper]) -> None:
    data = encode.escpos(draw(label()), LABEL_50X25) + encode.ask_process_id(b"0001")
    assert len(data) == 10_028
    assert data[:10].hex() == "1b401d7630003200c800"
    assert data[-18:].hex() == "1c284c02004231" + "1d28480600303030303031"


def test_one_is_black(label: Callable[..., Paper]) -> None:
    image = draw(label())
    data = encode.escpos(image, LABEL_50X25)[10:10_010]
    assert Image.frombytes("1", (400, 200), data, "raw", "1;I").tobytes() == image.tobytes()


def test_a_long_ticket_goes_in_fragments_that_join_without_a_gap() -> None:
    image = Image.new("1", (576, 450), 1)
    image.putpixel((0, 449), 0)
    data = encode.escpos(image, ROLL_80)
    assert [data.count(b"\x1dv0\x00\x48\x00" + rows) for rows in (b"\xc8\x00", b"\x32\x00")] == [2, 1]
    assert len(data) == 2 + 3 * 8 + 450 * 72 + 4
    assert data.endswith(b"\x1dVB\x00")


def test_without_a_knife_nothing_is_cut() -> None:
    assert b"\x1dV" not in encode.escpos(Image.new("1", (576, 10), 1), ROLL_80, cut=False)


@pytest.mark.parametrize("pid", [b"", b"123", b"12345", b"12\x003", b"12\xff3"])
def test_a_process_id_is_four_printable_characters(pid: bytes) -> None:
    with pytest.raises(ValueError, match="four"):
        encode.ask_process_id(pid)


def test_the_library_leaves_no_folder_and_says_nothing(tmp_path: Path) -> None:
    code = (
        "from PIL import Image; from printers import encode; from printers.paper import ROLL_80;"
        "encode.escpos(Image.new('1', (576, 10), 1), ROLL_80)"
    )
    room = {**os.environ, "TMPDIR": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=room, check=True, capture_output=True, text=True
    )
    assert (run.stdout, run.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []
    assert tempfile.gettempdir() != str(tmp_path)


def test_printers_that_start_together_load_the_library_once(tmp_path: Path) -> None:
    code = (
        "import tempfile, threading; from PIL import Image; from printers import encode;"
        "from printers.paper import ROLL_80; image = Image.new('1', (576, 10), 1); gate = threading.Barrier(8);"
        "work = lambda: (gate.wait(), encode.escpos(image, ROLL_80));"
        "threads = [threading.Thread(target=work) for _ in range(8)]; [one.start() for one in threads];"
        "[one.join() for one in threads]; print(tempfile.mkdtemp())"
    )
    room = {**os.environ, "TMPDIR": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], env=room, check=True, capture_output=True, text=True)
    assert run.stderr == ""
    assert Path(run.stdout.strip()).parent == tmp_path
    assert len(list(tmp_path.iterdir())) == 1
