"""The demo: sample outlets on loopback, polled by the real daemon."""
