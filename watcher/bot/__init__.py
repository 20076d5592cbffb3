"""The Telegram bot: what people do themselves in the chat that they have open already."""
