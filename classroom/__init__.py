"""The service: rooms, people and pages around `signaling` and `attendance`."""
