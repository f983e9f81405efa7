"""Templates: texts with variables, in several languages. Pure rules: what a document may be (`document.py`,
`checks.py`), how a text is read (`text.py`), values (`values.py`) and filters (`filters.py`), and how all of it becomes
the text of a message (`rendering.py`).
"""
