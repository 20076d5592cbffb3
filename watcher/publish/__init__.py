"""Alerts and events for other systems: CAP 1.2, Atom, JSON, and a page that stands by itself."""
