"""What the product does, one file a use case; nothing here knows HTTP, AWS or files."""
