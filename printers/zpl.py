"""A proved picture becomes ZPL bytes, ready for one write."""

import base64
import binascii
import zlib

from PIL import Image

from printers.paper import Form

ASK_MODEL = b"~HI"
ASK_STATE = b"~HS"
#: Cancels a format that was cut in the middle; those that are whole still come out.
LEAD_OUT = b"~JX"


def zpl(image: Image.Image, form: Form, *, compressed: bool = True) -> bytes:
    """One label: its dots as one graphic field, compressed (:Z64: with its CRC-16) or in plain hexadecimal.

    Old firmware knows the plain form only. No text is ever sent: a name can never become a command.
    """
    row = (image.width + 7) // 8
    dots = image.tobytes("raw", "1;I")  # ZPL prints ones, Pillow draws with zeros
    told = _packed(dots) if compressed else dots.hex().upper().encode()
    head = f"^XA^PW{form.width}^LL{image.height}^LH0,0^FO0,0^GFA,{len(dots)},{len(dots)},{row},"
    return head.encode() + told + b"^FS^PQ1,0,1,N^XZ"


def _packed(dots: bytes) -> bytes:
    text = base64.b64encode(zlib.compress(dots, 9))
    return b":Z64:" + text + f":{binascii.crc_hqx(text, 0):04X}".encode()
