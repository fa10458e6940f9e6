"""What an agent may do by itself, and what waits for a person's word first."""
