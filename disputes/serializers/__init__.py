"""Cases and evidence as their parties and our staff see them, and what they send."""
