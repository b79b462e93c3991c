"""Rules: guessed from a sample of rows, proved on all of them, and claimed if they are no coincidence."""
