"""Paper in, ink out: a library that knows labels, tickets and printers, and nothing of patients."""

from printers.errors import PrinterError
from printers.paper import Paper
from printers.spool import Spool

__all__ = ["Paper", "PrinterError", "Spool"]
