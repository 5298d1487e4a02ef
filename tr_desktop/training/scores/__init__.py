"""How far a score can be believed: libraries, questions with known answers, and figures."""
