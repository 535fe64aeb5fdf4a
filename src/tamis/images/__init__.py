"""One picture: decoding, Exif, thumbnail, quality, perceptual hash."""
