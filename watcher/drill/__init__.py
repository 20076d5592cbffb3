"""The drill: a marked exercise from a feed to every reader, and who got it how soon."""

from watcher.drill.hold import Got, Held, hold
from watcher.drill.pipeline import DrillError, Rehearsal, rehearse

__all__ = ["DrillError", "Got", "Held", "Rehearsal", "hold", "rehearse"]
