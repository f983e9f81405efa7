"""The one root of every error a codec raises.

Apart from the codecs themselves so that the text codec and the SMPP codec
can share it without importing each other.
"""


class CodecError(ValueError):
    """Octets or text that a codec cannot read or write.

    Every typed error in `whimbrel.codec` derives from this one, so a caller
    at an edge can catch all malformed input with a single clause.
    """
