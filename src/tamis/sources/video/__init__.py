"""Frames of video files, live folders, network streams and cameras."""
