"""Who received the lecture, from when to when, and how we know."""
