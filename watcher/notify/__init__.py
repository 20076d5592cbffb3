"""The channels: each sends one rendered message and says what came of it."""
