"""QR codes as SVG, such as cameras of phones read from a page."""

import segno


def svg(text: str) -> str:
    """The drawing as an element of HTML, dark on white."""
    drawn: str = _made(text).svg_inline(scale=4, border=2, dark="#1c2328", light="#ffffff")
    return drawn


def svg_uri(text: str) -> str:
    """The same as a `data:` URI, for the source of an image."""
    uri: str = _made(text).svg_data_uri(scale=4, border=2, dark="#1c2328", light="#ffffff")
    return uri


def _made(text: str) -> segno.QRCode:
    return segno.make(text, error="m")
