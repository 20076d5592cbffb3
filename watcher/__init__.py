"""An alerting daemon for signals of escalation in the news."""

__version__ = "0.1.0"
