"""Add: pictures, frames of videos and parts of pictures become samples."""
