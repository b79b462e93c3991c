"""The operations of the development half, and the truth about their rows."""
