import pytest

from printers.draw import cut_texts
from printers.errors import Unprintable
from printers.paper import LABEL_50X25, ROLL_58, ROLL_80, Form
from printers.testpage import make_test_page
from printers.verify import proved


@pytest.mark.parametrize("form", [LABEL_50X25, ROLL_80, ROLL_58, Form(width_mm=57, height_mm=32, gap_mm=3)])
def test_the_page_is_proved_on_every_medium(form: Form) -> None:
    paper = make_test_page("labels", form, "test/labels/1")
    assert proved(paper).width == form.width
    assert cut_texts(paper) == ()


def test_a_label_too_small_for_bars_is_refused() -> None:
    with pytest.raises(Unprintable):
        make_test_page("labels", Form(width_mm=25, height_mm=10), "test/labels/1")
