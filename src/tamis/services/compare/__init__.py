"""Two groups of pictures, two layers or two encoders, side by side."""
