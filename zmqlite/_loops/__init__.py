"""What the event loops share, and none of them is known to."""
