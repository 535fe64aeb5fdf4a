"""The dataset on disk, pictures, sources and exports."""
