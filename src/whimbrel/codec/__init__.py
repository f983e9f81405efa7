"""Pure bytes: text alphabets, segments and user data headers here, SMPP in `smpp/`.

Nothing in this folder performs I/O, reads a clock or draws randomness; it may
import only the standard library's pure parts, msgspec and `whimbrel.base`.
Each function maps values to values, so every rule can be tested by a vector.
All errors derive from `errors.CodecError`.
"""
