"""One picture: decode, EXIF, thumbnail, quality, perceptual hash."""
