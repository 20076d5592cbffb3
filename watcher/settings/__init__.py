"""The configuration: one TOML file, then the environment, then files that hold secrets; every mistake named at once."""

from watcher.settings.load import ENV_CONFIG, load_settings
from watcher.settings.schema import EmailSettings, HttpSettings, LogSettings, Settings, TelegramSettings, shipped_rules

__all__ = [
    "ENV_CONFIG",
    "EmailSettings",
    "HttpSettings",
    "LogSettings",
    "Settings",
    "TelegramSettings",
    "load_settings",
    "shipped_rules",
]
