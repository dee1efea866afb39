"""What the demos and claims stand on: base models, tasks, one training loop, and honest measuring. Private."""


class LabError(Exception):
    """What was asked for is not to be had here; one line that says what to do instead."""
