"""Training of networks on the user's own pictures, without labels; all of it needs PyTorch.

Losses, heads, the objectives made of them, the views of pictures that they see, and the loop. It
knows networks and arrays of pixels, no datasets: services read pictures and keep what came of it.
"""
