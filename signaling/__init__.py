"""WHIP and WHEP signaling, and the relay that carries one lecturer to a whole audience."""
