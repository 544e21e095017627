"""Gestures of the mouse, one class each. A gesture shows what it would do and ends in one edit, or in none."""
