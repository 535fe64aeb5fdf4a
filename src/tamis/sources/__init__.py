"""Where pictures come from: folders, globs, files, archives."""
