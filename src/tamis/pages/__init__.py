"""HTML pages: one base, one stylesheet, one script, and pictures as they look on all of them."""
