"""The rule language: its schema, its strict loader, its compiler and its lint."""
