"""The sample lecture, and the program that makes it."""
