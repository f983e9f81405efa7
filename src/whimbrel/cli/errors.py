"""What keeps a command from starting what it should start. Apart from what raises it: whoever says it (`say.py`) needs
neither a node nor the simulator.
"""


class PortTaken(Exception):
    """A door cannot listen where the settings say; the message says what to do."""


class SimulatorError(Exception):
    """The simulator did not start; the message says why."""
