"""What event loops share; nothing here knows one of them."""
