import pytest

from printers import errors
from printers.errors import PrinterError

LEAVES = [leaf for leaf in vars(errors).values() if isinstance(leaf, type) and issubclass(leaf, PrinterError)]


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_every_fault_has_its_words(leaf: type[PrinterError]) -> None:
    assert leaf.__doc__
    assert leaf.french.endswith(".")
    assert leaf is PrinterError or leaf.french != PrinterError.french
