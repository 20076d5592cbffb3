"""What the web hands us, made safe and plain: addresses, encodings, markup, dates, links."""
