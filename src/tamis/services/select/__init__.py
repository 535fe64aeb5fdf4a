"""What to label next: what represents the others, or teaches most after the labels so far."""
