"""Small flaws: fit a model of nominal pictures, and score others by it, place by place."""
