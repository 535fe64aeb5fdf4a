"""Check: is all there and whole?"""
