import io
from collections.abc import Callable

from PIL import Image

from printers import preview
from printers.draw import draw
from printers.paper import Paper


def test_the_preview_is_the_very_picture(label: Callable[..., Paper]) -> None:
    with Image.open(io.BytesIO(preview.png(label()))) as image:
        assert image.convert("1").tobytes() == draw(label()).tobytes()


def test_the_words_are_told_in_order(ticket: Paper, label: Callable[..., Paper]) -> None:
    assert preview.text(ticket).splitlines()[0] == "A 042"
    assert "[263250100014]" in preview.text(label())
