"""Watches what models are asked and how they answer, and writes a trigger record where one should be trained again."""
