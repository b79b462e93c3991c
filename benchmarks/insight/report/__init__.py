"""The operations of the report only half, and the truth about their rows."""
