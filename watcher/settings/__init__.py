"""The configuration: one TOML file, then the environment, then files that hold secrets; every mistake named at once."""

from watcher.settings.load import ENV_CONFIG, load_settings
from watcher.settings.schema import Settings, shipped_rules

__all__ = ["ENV_CONFIG", "Settings", "load_settings", "shipped_rules"]
